"""Mask and keypoint heads of a trained model for a network over another backbone, which then begins with them.

    python -m tools.builtin_weights.inherit_heads start.safetensors builtin photos.json --output begun.safetensors

The heads read maps of the trained network. In the new one, whose pyramid is a `PathAggregation`, 1x1 convolutions make
the maps of masks: their weights are those which give, on some photos, what comes nearest to the trained network's maps
(ridge regression). The heads are taken over as they are; a class of the new network has the mask of the class of its
name, or of its supercategory.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from tqdm import tqdm

from dataset.coco.reader import DataError, Source, load_coco, read_image
from dataset.pictures.images import PhotoError
from model.checkpoints import checkpoint, weights
from model.checkpoints.head_transfer import MASK_LAYERS
from model.inference.preprocess import resize_and_pad
from model.network.backbone import PathAggregation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from model.checkpoints.checkpoint import Checkpoint
    from model.network.mask_rcnn import MaskRCNN

CELLS = 400
"""Of a map of a photo, at most."""
RIDGE = 1.0


class MapRegression:
    """Least squares from the cells of one network's maps to those of another's."""

    def __init__(self, inputs: int, outputs: int) -> None:
        self._gram = RIDGE * torch.eye(inputs + 1, dtype=torch.float64)
        self._moment = torch.zeros(inputs + 1, outputs, dtype=torch.float64)

    def add(self, cells: Tensor, values: Tensor) -> None:
        """Take in cells [N, inputs] and values [N, outputs]."""
        ones = torch.cat([cells, torch.ones(len(cells), 1)], 1).double()
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
def fit_maps(new: MaskRCNN, old: MaskRCNN, pictures: Iterable[Any]) -> None:
    """Give the new network's maps for masks the weights that come nearest to the old one's maps."""
    neck = new.backbone.fpn
    assert isinstance(neck, PathAggregation)
    config = new.config
    blocks = [(block, MapRegression(config.channels, config.channels)) for block in neck.mask_blocks]
    for picture in pictures:
        fitted = resize_and_pad(picture, config.short_side, config.long_side)
        pixels = torch.from_numpy(fitted.pixels)
        sums, maps = neck.sums(new.body_maps(pixels)), old.encode(pixels)
        for (_, regression), ours, theirs in zip(blocks, sums, maps[old.config.mask_maps], strict=True):
            cells, values = (m[0].flatten(1).T for m in (ours, theirs))  # [H * W, channels]
            chosen = torch.randperm(len(cells))[:CELLS]
            regression.add(cells[chosen], values[chosen])
    for block, regression in blocks:
        weight, bias = regression.solve()
        block.load_state_dict({"weight": weight[:, :, None, None], "bias": bias})


def inherit(start: Checkpoint, trained: Checkpoint, pictures: Iterable[Any]) -> dict[str, Tensor]:
    """Return the start's weights with the trained one's heads."""
    new, old = weights.network_of(start).eval(), weights.network_of(trained).eval()
    names = {c.name: i for i, c in enumerate(trained.categories, 1)}
    rows = [0, *(names.get(c.name, names.get(c.supercategory, 0)) for c in start.categories)]
    own = new.state_dict()
    for name, value in old.state_dict().items():
        if name.startswith(MASK_LAYERS):
            own[name].copy_(value[rows])
        elif name.startswith(("roi_heads.mask_", "roi_heads.keypoint_")):
            own[name].copy_(value)
    fit_maps(new, old, pictures)
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
