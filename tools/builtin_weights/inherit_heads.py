"""Mask and keypoint heads of a trained model for a network over another backbone, which then begins with them.

    python -m tools.builtin_weights.inherit_heads start.safetensors builtin photos.json --output begun.safetensors

The first convolution of each head reads other features in the new network: its weights are those which give, on the
maps of some photos, what comes nearest to the trained one's on its own maps (ridge regression on 3x3 patches). The rest
is taken over as it is; a class of the new network has the mask of the class of its name, or of its supercategory.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from dataset.coco.reader import DataError, Source, load_coco, read_image
from dataset.pictures.images import PhotoError
from model.checkpoints import checkpoint, weights
from model.checkpoints.head_transfer import MASK_LAYERS
from model.inference.preprocess import resize_and_pad

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from model.checkpoints.checkpoint import Checkpoint
    from model.network.mask_rcnn import MaskRCNN

HEADS = ("mask_head", "keypoint_head")
LEVELS = 3
"""Maps that patches are drawn from, the finest first; regions are seldom pooled from the others."""
PATCHES = 400
"""Patches of a map of a photo."""
RIDGE = 1.0


def first_convolution(head: nn.Module) -> nn.Conv2d:
    """Return the convolution of a head that reads the features."""
    return next(m for m in head.modules() if isinstance(m, nn.Conv2d))


class PatchRegression:
    """Least squares from patches of one network's maps to a convolution's values over another's."""

    def __init__(self, inputs: int, outputs: int) -> None:
        self._gram = RIDGE * torch.eye(inputs + 1, dtype=torch.float64)
        self._moment = torch.zeros(inputs + 1, outputs, dtype=torch.float64)

    def add(self, patches: Tensor, values: Tensor) -> None:
        """Take in patches [N, inputs] and values [N, outputs]."""
        ones = torch.cat([patches, torch.ones(len(patches), 1)], 1).double()
        self._gram += ones.T @ ones
        self._moment += ones.T @ values.double()

    def solve(self) -> tuple[Tensor, Tensor]:
        """Return the weight [outputs, inputs] and bias [outputs] of the best."""
        found = torch.linalg.solve(self._gram, self._moment).float()
        return found[:-1].T, found[-1]


def photos(file: Path, count: int) -> Iterator[Any]:
    """Yield so many photos of a COCO file, evenly from all of it."""
    data, folder = load_coco(file), Source(file).folder()
    for image in data["images"][:: max(1, len(data["images"]) // count)][:count]:
        try:
            yield read_image(folder, image).pixels
        except PhotoError as error:
            print(error, file=sys.stderr)


@torch.no_grad()
def fit_first(new: MaskRCNN, old: MaskRCNN, pictures: Iterable[Any]) -> None:
    """Give the first convolutions of the new network's heads the weights that come nearest to the old ones."""
    pairs = []
    for name in HEADS:
        ours, theirs = getattr(new.roi_heads, name), getattr(old.roi_heads, name)
        if ours is not None and theirs is not None:
            into, source = first_convolution(ours), first_convolution(theirs)
            pairs.append((into, source, PatchRegression(into.weight[0].numel(), len(source.weight))))
    config = new.config
    for picture in pictures:
        fitted = resize_and_pad(picture, config.short_side, config.long_side)
        pixels = torch.from_numpy(fitted.pixels)
        for ours, theirs in list(zip(new.encode(pixels), old.encode(pixels), strict=True))[:LEVELS]:
            patches = functional.unfold(ours, 3, padding=1)[0].T  # [H * W, channels * 9]
            chosen = torch.randperm(len(patches))[:PATCHES]
            for _, source, regression in pairs:
                values = functional.conv2d(theirs, source.weight, source.bias, padding=1)[0].flatten(1).T
                regression.add(patches[chosen], values[chosen])
    for into, _, regression in pairs:
        weight, bias = regression.solve()
        into.weight.copy_(weight.view_as(into.weight))
        assert into.bias is not None
        into.bias.copy_(bias)


def inherit(start: Checkpoint, trained: Checkpoint, pictures: Iterable[Any]) -> dict[str, Tensor]:
    """Return the start's weights with the trained one's heads."""
    new, old = weights.network_of(start).eval(), weights.network_of(trained).eval()
    names = {c.name: i for i, c in enumerate(trained.categories, 1)}
    rows = [0, *(names.get(c.name, names.get(c.supercategory, 0)) for c in start.categories)]
    own = new.state_dict()
    firsts = [f"roi_heads.{name}.0.0." for name in HEADS] + [f"roi_heads.{name}.0." for name in HEADS]
    for name, value in old.state_dict().items():
        if name.startswith(MASK_LAYERS):
            own[name].copy_(value[rows])
        elif name.startswith(("roi_heads.mask_", "roi_heads.keypoint_")) and not name.startswith(tuple(firsts)):
            own[name].copy_(value)
    fit_first(new, old, pictures)
    return new.state_dict()


def main(arguments: Iterable[str] | None = None) -> int:
    """Write the network. Return 0, or 2 with one sentence on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.builtin_weights.inherit_heads", description=(__doc__ or "").splitlines()[0]
    )
    add = parser.add_argument
    add("start", type=Path, help="checkpoint with the backbone")
    add("trained", help="checkpoint with the heads, or builtin")
    add("photos", type=Path, nargs="+", help="COCO files whose photos are looked at")
    add("--count", type=int, default=80, help="photos of each file (default: %(default)s)")
    add("--output", type=Path, required=True, metavar="FILE", help="checkpoint to write")
    args: Any = parser.parse_args(list(arguments) if arguments is not None else None)
    try:
        torch.manual_seed(0)
        start = weights.load(args.start)
        pictures = (picture for file in args.photos for picture in photos(file, args.count))
        total = args.count * len(args.photos)
        state = inherit(start, weights.load(args.trained), tqdm(pictures, total=total, unit="photo"))
        checkpoint.write(args.output, checkpoint.Checkpoint(start.config, start.categories, state))
    except (weights.WeightsError, DataError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
