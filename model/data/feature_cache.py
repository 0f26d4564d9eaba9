"""What a frozen body makes of the training photos, kept on disk: computed once, read in every epoch and round.

The maps of the body are kept rather than those of the pyramid: they are a quarter of the size, the pyramid over them
takes a few per cent of a step, and they serve later rounds too, whose pyramid is another but whose body is the same.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from dataset.atomic_files import write_bytes
from dataset.i18n import tr
from model.data.augmentation import normalise
from model.network.precision import autocast

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from model.config import TrainConfig
    from model.data.batching import TrainingSample
    from model.network.mask_rcnn import MaskRCNN

MAX_BYTES = 3 * 2**30
"""Room on disk."""
MAX_VARIANTS = 8
"""Of a photo: more teach little more, fewer are learned by heart."""


@dataclass
class FeatureCache:
    """Maps of the body by photo and variant, in a folder of their own."""

    folder: Path
    key: str
    """Digest of the body's weights and of how photos vary: what maps follow from but photo, input size and variant."""
    variants: int
    config: TrainConfig
    used: set[Path] = field(default_factory=set)

    def path(self, sample: TrainingSample, input_size: tuple[int, int], variant: int) -> Path:
        """Return where the maps of a variant are."""
        content = f"{self.key} {sample.digest} {input_size} {variant} {sample.photo.width} {sample.photo.height}"
        return self.folder / f"{blake2b(content.encode(), digest_size=16).hexdigest()}.maps"

    def read(self, sample: TrainingSample, input_size: tuple[int, int], variant: int) -> dict[str, Tensor]:
        """Return the maps [C, H, W] of a variant by name.

        Raises:
            OSError: They are not there any more.
        """
        path = self.path(sample, input_size, variant)
        try:
            maps = load(path.read_bytes())  # not mapped: the file may be overwritten meanwhile
        except (SafetensorError, FileNotFoundError):
            path.unlink(missing_ok=True)
            text = tr("A kept feature map is gone or damaged: start the round again")
            raise OSError(0, text, str(path)) from None
        return {name: maps[name] for name in sorted(maps)}  # the finest first, as the body returns them

    def write(self, path: Path, maps: dict[str, Tensor]) -> None:
        """Keep the maps [1, C, H, W] of a variant at its `path`.

        Raises:
            OSError: They cannot be written.
        """
        write_bytes(path, save({name: value[0].contiguous() for name, value in maps.items()}))

    def trim(self, room: int = MAX_BYTES) -> None:
        """Delete what this round did not use, the oldest first, until all that is left takes no more than `room`."""
        try:
            files = [(f.stat().st_mtime, f.stat().st_size, f) for f in self.folder.glob("*.maps")]
        except OSError:
            return
        total = sum(size for _, size, _ in files)
        for _, size, file in sorted(files):
            if total <= room:
                return
            if file not in self.used:
                file.unlink(missing_ok=True)
                total -= size


@torch.no_grad()
def body_maps(network: MaskRCNN, images: Tensor, device: torch.device) -> dict[str, Tensor]:
    """Return the body's maps of pictures [B, 3, H, W] uint8, in 16 bits, on the CPU."""
    network.backbone.body.eval()
    pictures = normalise(images.to(device)).contiguous(memory_format=torch.channels_last)
    with autocast(device):
        maps = network.body_maps(pictures)
    return {name: value.to(torch.bfloat16).cpu() for name, value in maps.items()}


def open_cache(
    folder: Path, network: MaskRCNN, samples: list[TrainingSample], config: TrainConfig, device: torch.device
) -> FeatureCache | None:
    """Return a cache with as many variants as there is room for, or None where there is none for a single one."""
    folder.mkdir(parents=True, exist_ok=True)
    content = blake2b(digest_size=16)
    for name, value in sorted(network.backbone.body.state_dict().items()):
        content.update(name.encode())
        content.update(value.detach().float().cpu().contiguous().numpy().tobytes())
    content.update(repr((config.jitter, config.flip, config.colour, config.seed)).encode())
    sides = [p.input_size(config.scales[-1]) for p in samples]
    largest = max(sides, key=lambda s: s[0] * s[1])
    maps = body_maps(network, torch.zeros(1, 3, *largest, dtype=torch.uint8), device)
    size = sum(value.nbytes for value in maps.values()) / (largest[0] * largest[1])
    each = sum(h * w for h, w in sides) * size
    room = MAX_BYTES
    try:
        status = os.statvfs(folder)
        room = min(room, status.f_bavail * status.f_frsize // 2)
    except (AttributeError, OSError):
        pass  # where the room cannot be asked for, the limit of the cache is the only one
    variants = min(MAX_VARIANTS, int(room / each))
    return FeatureCache(folder, content.hexdigest(), variants, config) if variants else None
