"""Makes a checkpoint ready to ship, of one or several: 16-bit floats, which predictions do not notice, well-set scores.

python -m tools.builtin_weights.export run.safetensors builtin.safetensors --shift person=-0.75 --config box_nms=0.4
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import replace
from pathlib import Path

from model.checkpoints import checkpoint, weights
from model.checkpoints.weight_averaging import (
    adjust_objectness,
    average_weights,
    scale_class_logits,
    shift_class_logit,
)
from model.config_values import changed


def _amount(text: str) -> float:
    amount = float(text)
    if not math.isfinite(amount):
        raise ValueError(text)
    return amount


def _shift(text: str) -> tuple[str, float]:
    name, _, amount = text.rpartition("=")
    return name, _amount(amount)


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
        "--shift",
        type=_shift,
        action="append",
        default=[],
        metavar="CLASS=AMOUNT",
        help="add to a class's logit; *: to each",
    )
    parser.add_argument(
        "--shift-proposals", type=_amount, default=0.0, metavar="AMOUNT", help="add to the logits of proposals"
    )
    for name in ("classes", "proposals"):
        parser.add_argument(
            f"--scale-{name}", type=_amount, default=1.0, metavar="FACTOR", help=f"first multiply the logits of {name}"
        )
    parser.add_argument(
        "--config", action="append", default=[], metavar="NAME=VALUE", help="another setting, as --config box_nms=0.4"
    )
    args = parser.parse_args(arguments)
    try:
        source = average_weights([weights.load(p) for p in args.sources])
        source = adjust_objectness(source, args.scale_proposals, args.shift_proposals)
        source = scale_class_logits(source, args.scale_classes)
        names = [c.name for c in source.categories]
        for name, amount in args.shift:
            for each in names if name == "*" else [name]:
                source = shift_class_logit(source, each, amount)
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
