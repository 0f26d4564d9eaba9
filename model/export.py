"""Stores a checkpoint at half its size, for shipping: 16-bit floats, which prediction does not notice.

python -m model.export run.safetensors builtin.safetensors --metrics metrics.json
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from model import checkpoint, weights


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Return 0, or 2 with one sentence on standard error."""
    parser = argparse.ArgumentParser(prog="python -m model.export", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path, help="checkpoint that training wrote")
    parser.add_argument("output", type=Path, help="checkpoint to write")
    parser.add_argument("--metrics", type=Path, metavar="JSON", help="figures to keep in the file's header")
    args = parser.parse_args(arguments)
    try:
        source = weights.load(args.source)
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
