"""Feature maps of a frozen backbone body on disk: computed once, read in every epoch and later run.

The maps of the body are kept rather than those of the pyramid: they are a quarter of the size, the pyramid over them
takes a few per cent of a step, and later runs, whose pyramid is another but whose body is the same, read them too.
"""

from __future__ import annotations

import itertools
import os
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from dataset.atomic_files import write_bytes
from dataset.i18n import tr
from dataset.regular_files import read_regular
from model.data.augmentation import normalise
from model.network.precision import autocast

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from model.config import TrainConfig
    from model.data.batching import TrainingSample
    from model.network.mask_rcnn import MaskRCNN

MAX_BYTES = 3 * 2**30
"""Size of the cache on disk."""
MAX_VARIANTS = 8
"""Augmented variants of each photo: more improve little, fewer overfit."""
BLOCK = 512
"""Bytes of what POSIX counts the space of a file in."""


@dataclass
class FeatureCache:
    """Files of feature maps by photo and variant, in a folder of their own."""

    folder: Path
    key: str
    """Digest of the body's weights and of the augmentation, on which the maps depend beside photo, size and variant."""
    variants: int
    config: TrainConfig
    used: set[Path] = field(default_factory=set)

    def path(self, sample: TrainingSample, input_size: tuple[int, int], variant: int) -> Path:
        """Return the path of the maps of a variant."""
        content = f"{self.key} {sample.digest} {input_size} {variant} {sample.photo.width} {sample.photo.height}"
        return self.folder / f"{blake2b(content.encode(), digest_size=16).hexdigest()}.maps"

    def read(self, sample: TrainingSample, input_size: tuple[int, int], variant: int) -> dict[str, Tensor]:
        """Return the maps [C, H, W] of a variant by name.

        Raises:
            OSError: The file is missing or damaged.
        """
        path = self.path(sample, input_size, variant)
        try:
            maps = load(read_regular(path))  # not mapped: the file may be overwritten meanwhile
        except (SafetensorError, FileNotFoundError):
            path.unlink(missing_ok=True)
            text = tr("A kept feature map is gone or damaged: start the round again")
            raise OSError(0, text, str(path)) from None
        return {name: maps[name] for name in sorted(maps)}  # the finest first, as the body returns them

    def write(self, path: Path, maps: dict[str, Tensor]) -> None:
        """Write the maps [1, C, H, W] of a variant to its `path`.

        Raises:
            OSError: They cannot be written.
        """
        write_bytes(path, save({name: value[0].contiguous() for name, value in maps.items()}))

    def trim(self, max_bytes: int = MAX_BYTES) -> None:
        """Delete files that this run did not use, the oldest first, until the rest takes `max_bytes` at most."""
        try:
            files = [(f.stat().st_mtime, f.stat().st_size, f) for f in self.folder.glob("*.maps")]
        except OSError:
            return
        total = sum(size for _, size, _ in files)
        for _, size, file in sorted(files):
            if total <= max_bytes:
                return
            if file not in self.used:
                file.unlink(missing_ok=True)
                total -= size


@torch.no_grad()
def body_maps(network: MaskRCNN, images: Tensor, device: torch.device) -> dict[str, Tensor]:
    """Return the body's feature maps of images [B, 3, H, W] uint8, as bfloat16 on the CPU."""
    network.backbone.body.eval()
    pictures = normalise(images.to(device)).contiguous(memory_format=torch.channels_last)
    with autocast(device):
        maps = network.body_maps(pictures)
    return {name: value.to(torch.bfloat16).cpu() for name, value in maps.items()}


def open_cache(
    folder: Path, network: MaskRCNN, samples: list[TrainingSample], config: TrainConfig, device: torch.device
) -> FeatureCache | None:
    """Return a cache with as many variants as the disk has space for, or None where it has none for a single one.

    What is kept of these images already takes no more space: a round that goes on has as many variants as before.
    """
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
    cache = FeatureCache(folder, content.hexdigest(), MAX_VARIANTS, config)
    free = MAX_BYTES
    try:
        status = os.statvfs(folder)
        free = min(free, (status.f_bavail * status.f_frsize + _kept_bytes(cache, samples)) // 2)
    except (AttributeError, OSError):
        pass  # where the free space is unknown, the limit of the cache is the only one
    cache.variants = min(MAX_VARIANTS, int(free / each))
    return cache if cache.variants else None


def _kept_bytes(cache: FeatureCache, samples: list[TrainingSample]) -> int:
    """Return the bytes on disk of the maps of images that are there already."""
    short = cache.config.scales[-1]
    everything = itertools.product(samples, range(MAX_VARIANTS))
    total = 0
    for path in {cache.path(sample, sample.input_size(short), variant) for sample, variant in everything}:
        with suppress(FileNotFoundError):
            status = path.stat()
            total += getattr(status, "st_blocks", 0) * BLOCK or status.st_size
    return total
