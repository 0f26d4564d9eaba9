"""What a trained model knows of masks and keypoints, for a network with a body of its own for boxes.

    python -m tools.builtin_weights.inherit_heads start.safetensors builtin --output begun.safetensors

Body, feature pyramid, mask and keypoint head are those of the trained model; proposals and boxes those of the start. A
class of the start has the mask of the class of its name, or of its supercategory, or of any object.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.checkpoints import checkpoint, weights
from model.checkpoints.head_transfer import MASK_LAYERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from model.checkpoints.checkpoint import Checkpoint

KEPT = ("backbone.body.", "backbone.fpn.", "roi_heads.mask_", "roi_heads.keypoint_")
"""Beginnings of the names of weights that are the trained model's."""


def inherit(start: Checkpoint, trained: Checkpoint) -> dict[str, Tensor]:
    """Return the start's weights with the trained one's masks and keypoints."""
    names = {c.name: i for i, c in enumerate(trained.categories, 1)}
    rows = [0, *(names.get(c.name, names.get(c.supercategory, 0)) for c in start.categories)]
    known = {name: value for name, value in trained.state.items() if name.startswith(KEPT)}
    return start.state | {name: v[rows] if name.startswith(MASK_LAYERS) else v for name, v in known.items()}


def main(arguments: Iterable[str] | None = None) -> int:
    """Write the network. Return 0, or 2 with one sentence on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.builtin_weights.inherit_heads", description=(__doc__ or "").splitlines()[0]
    )
    add = parser.add_argument
    add("start", type=Path, help="checkpoint with the body for boxes")
    add("trained", help="checkpoint with the heads, or builtin")
    add("--output", type=Path, required=True, metavar="FILE", help="checkpoint to write")
    args: Any = parser.parse_args(list(arguments) if arguments is not None else None)
    try:
        start = weights.load(args.start)
        made = checkpoint.Checkpoint(start.config, start.categories, inherit(start, weights.load(args.trained)))
        weights.network_of(made)  # or they are of another network
        checkpoint.write(args.output, made)
    except (weights.WeightsError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
