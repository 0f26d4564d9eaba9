"""Makes a checkpoint ready to ship, of one or several: 16-bit floats, which predictions do not notice, well-set scores.

python -m tools.builtin_weights.export run.safetensors builtin.safetensors --shift person=-0.75 --config box_nms=0.4
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from model.checkpoints import checkpoint, weights
from model.config import changed

if TYPE_CHECKING:
    from model.checkpoints.checkpoint import Checkpoint

CLASS_BIAS = "roi_heads.box_predictor.cls_score.bias"


def shifted(source: Checkpoint, name: str, amount: float) -> Checkpoint:
    """Return a checkpoint that scores one class higher or lower: its logit plus `amount`.

    The order of the class's detections stays as good as the same; the score at which half of them are right moves.

    Raises:
        ValueError: There is no such class.
    """
    index = [category.name for category in source.categories].index(name) + 1
    bias = source.state[CLASS_BIAS].clone()
    bias[index] += amount
    return replace(source, state={**source.state, CLASS_BIAS: bias})


def averaged(sources: list[Checkpoint]) -> Checkpoint:
    """Return the first checkpoint with the mean weights of all of them.

    Runs from one start end in one valley, in the middle of which is a better place than at their ends (Wortsman et al.,
    *Model soups*, ICML 2022).

    Raises:
        ValueError: They are not of one network, or name other classes.
    """
    first = sources[0]
    shapes = [{name: value.shape for name, value in s.state.items()} for s in sources]
    if any(s.categories != first.categories for s in sources) or any(shape != shapes[0] for shape in shapes):
        raise ValueError("Only checkpoints of the same network and of the same classes have an average.")
    state = {
        name: torch.stack([s.state[name].float() for s in sources]).mean(0) if value.is_floating_point() else value
        for name, value in first.state.items()
    }
    return replace(first, state=state)


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Return 0, or 2 with one sentence on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.builtin_weights.export", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument(
        "sources",
        type=Path,
        nargs="+",
        metavar="SOURCE",
        help="checkpoint that training wrote; of several the average, in which one that is named twice counts twice",
    )
    parser.add_argument("output", type=Path, help="checkpoint to write")
    parser.add_argument("--metrics", type=Path, metavar="JSON", help="figures to keep in the file's header")
    parser.add_argument(
        "--shift", action="append", default=[], metavar="CLASS=AMOUNT", help="add to the logit of a class"
    )
    parser.add_argument(
        "--config", action="append", default=[], metavar="NAME=VALUE", help="another setting, as --config box_nms=0.4"
    )
    args = parser.parse_args(arguments)
    try:
        source = averaged([weights.load(path) for path in args.sources])
        for wish in args.shift:
            name, _, amount = wish.rpartition("=")
            source = shifted(source, name, float(amount))
        source = replace(source, config=changed(source.config, args.config))
        metrics = json.loads(args.metrics.read_text()) if args.metrics else source.metrics
        checkpoint.write(args.output, replace(source, metrics=metrics), half=True)
    except (weights.WeightsError, ValueError) as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"{error.filename} cannot be read or written: {error.strerror}.", file=sys.stderr)
    else:
        return 0
    return 2


if __name__ == "__main__":
    sys.exit(main())
