"""Makes a checkpoint ready to ship: 16-bit floats, which prediction does not notice, and well-set scores.

python -m model.export run.safetensors builtin.safetensors --shift person=-1.4 --nms 0.4
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from model import checkpoint, weights

if TYPE_CHECKING:
    from model.checkpoint import Checkpoint

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


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Return 0, or 2 with one sentence on standard error."""
    parser = argparse.ArgumentParser(prog="python -m model.export", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path, help="checkpoint that training wrote")
    parser.add_argument("output", type=Path, help="checkpoint to write")
    parser.add_argument("--metrics", type=Path, metavar="JSON", help="figures to keep in the file's header")
    parser.add_argument(
        "--shift", action="append", default=[], metavar="CLASS=AMOUNT", help="add to the logit of a class"
    )
    parser.add_argument("--nms", type=float, metavar="IOU", help="overlap from which the weaker of two detections goes")
    args = parser.parse_args(arguments)
    try:
        source = weights.load(args.source)
        for wish in args.shift:
            name, _, amount = wish.rpartition("=")
            source = shifted(source, name, float(amount))
        if args.nms:
            source = replace(source, config=replace(source.config, box_nms=args.nms))
        metrics = json.loads(args.metrics.read_text()) if args.metrics else source.metrics
        checkpoint.write(args.output, replace(source, metrics=metrics), half=True)
    except (weights.WeightsError, ValueError) as error:
        print(error, file=sys.stderr)  # noqa: T201
    except OSError as error:
        print(f"{error.filename} cannot be read or written: {error.strerror}.", file=sys.stderr)  # noqa: T201
    else:
        return 0
    return 2


if __name__ == "__main__":
    sys.exit(main())
