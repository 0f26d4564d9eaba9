"""Write a model as one ONNX file, for use in other programs.

It takes a photo, and gives boxes, scores, labels, masks and keypoints; which classes the labels are stands in its
metadata. `ONNX Runtime` runs it without this application.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dataset.atomic_files import write_bytes
from dataset.i18n import tr
from dataset.messages import UserError
from model.checkpoints.names import NAMES
from model.output_check import OutputError, check_output

if TYPE_CHECKING:
    from collections.abc import Iterable

SUFFIX = ".onnx"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "weights",
        metavar="MODEL",
        help=tr("{names}, or a .safetensors file that training wrote", names=", ".join(NAMES)),
    )
    parser.add_argument("output", type=Path, metavar="OUT.onnx", help=tr("file to write"))


def run(args: argparse.Namespace) -> int:
    """Write it. Return 0, or 2 with one sentence on standard error."""
    try:
        if args.output.suffix.lower() != SUFFIX:
            raise OutputError(tr("{file} is no name of an ONNX file: let it end with .onnx.", file=args.output))
        check_output(args.output)
        _export(args.weights, args.output)
    except UserError as error:
        print(error, file=sys.stderr)  # noqa: T201 - what the command is for
        return 2
    print(tr("The model is in {file}.", file=args.output))  # noqa: T201
    return 0


def _export(weights: str, output: Path) -> None:
    from model.checkpoints.weights import load  # noqa: PLC0415 - torch, seconds of it
    from model.graphs.export import UnsupportedError  # noqa: PLC0415
    from model.graphs.whole import export_whole  # noqa: PLC0415

    checkpoint = load(weights)
    try:
        content = export_whole(checkpoint).SerializeToString()
    except UnsupportedError as error:
        reason = str(error).splitlines()[0]
        raise OutputError(
            tr("{model} has a layer that ONNX does not have ({reason}).", model=weights, reason=reason)
        ) from None
    try:
        write_bytes(output, content)
    except OSError as error:
        raise OutputError(
            tr("{file} cannot be written ({reason}).", file=output, reason=error.strerror or str(error))
        ) from None


def main(arguments: Iterable[str] | None = None) -> int:
    """Run the command by itself."""
    parser = argparse.ArgumentParser(
        prog="python -m model.commands.export_model", description=(__doc__ or "").splitlines()[0]
    )
    add_arguments(parser)
    return run(parser.parse_args(list(arguments) if arguments is not None else None))


if __name__ == "__main__":
    sys.exit(main())
