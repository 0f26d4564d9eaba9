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
from model.console import print_message
from model.output_check import OutputError, check_output

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onnx import ModelProto

SUFFIX = ".onnx"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "weights",
        metavar="MODEL",
        help=tr("{names}, or a .safetensors file that training wrote", names=", ".join(NAMES)),
    )
    parser.add_argument("output", type=Path, metavar="OUT.onnx", help=tr("file to write"))
    parser.add_argument(
        "--int8",
        action="store_true",
        help=tr("in 8-bit integers, where these find the same; needs --images"),
    )
    parser.add_argument("--images", type=Path, metavar="DIR", help=tr("at least 16 photos to calibrate and compare on"))
    parser.add_argument("--overwrite", action="store_true", help=tr("replace a file that is there already"))


def run(args: argparse.Namespace) -> int:
    """Write it. Return 0, or 2 with one sentence on standard error."""
    try:
        if args.output.suffix.lower() != SUFFIX:
            raise OutputError(tr("{file} is no name of an ONNX file: let it end with .onnx.", file=args.output))
        check_output(args.output, overwrite=args.overwrite)
        if args.int8 and args.images is None:
            raise OutputError(tr("8-bit integers are calibrated on photos: name their folder with --images."))
        if args.images is not None and not args.images.is_dir():
            raise OutputError(tr("{folder} is not a folder: give a folder of photos.", folder=args.images))
        lost = _export(args.weights, args.output, args.images if args.int8 else None)
    except UserError as error:
        print(error, file=sys.stderr)  # noqa: T201 - what the command is for
        return 2
    print(tr("The model is in {file}.", file=args.output))  # noqa: T201
    if lost:
        print(tr("In 8 bits, compared with floats: {found}.", found=lost))  # noqa: T201
    return 0


def _export(weights: str, output: Path, images: Path | None) -> str:
    """Write the file, in 8 bits with a folder of photos; return what these cost."""
    from model.checkpoints.weights import load  # noqa: PLC0415 - torch, seconds of it
    from model.graphs.export import UnsupportedError  # noqa: PLC0415
    from model.graphs.whole import export_whole  # noqa: PLC0415

    print_message(tr("The model is made into a graph …"))
    checkpoint = load(weights)
    try:
        graph = export_whole(checkpoint)
    except UnsupportedError as error:
        reason = str(error).splitlines()[0]
        raise OutputError(
            tr("{model} has a layer that ONNX does not have ({reason}).", model=weights, reason=reason)
        ) from None
    lost = ""
    if images is not None:
        graph, lost = _rounded(graph, images)
    try:
        write_bytes(output, graph.SerializeToString())
    except OSError as error:
        raise OutputError(
            tr("{file} cannot be written ({reason}).", file=output, reason=error.strerror or str(error))
        ) from None
    return lost


def _rounded(graph: ModelProto, images: Path) -> tuple[ModelProto, str]:
    """Return a graph in 8 bits, and how far it agrees with that in floats.

    Raises:
        OutputError: There are too few photos, or it does not find the same.
    """
    from dataset.folder import list_images  # noqa: PLC0415
    from model.graphs.prepare import some_photos  # noqa: PLC0415
    from model.graphs.rounding import ENOUGH, judge_by_agreement  # noqa: PLC0415
    from model.graphs.whole_rounding import WholePredictor, round_whole  # noqa: PLC0415

    photos = some_photos([images / name for name in list_images(images)])
    if not photos:
        raise OutputError(tr("{folder} has fewer than {n} photos that can be read.", folder=images, n=ENOUGH))
    print_message(tr("It is rounded to 8 bits, and compared with itself in floats on {n} photos; that takes minutes …",
                     n=len(photos)))  # fmt: skip
    try:
        made = round_whole(graph, photos)
    except ValueError:
        raise OutputError(
            tr("The model finds nothing in the photos of {folder}: choose others.", folder=images)
        ) from None
    exact, near = (WholePredictor(g.SerializeToString()) for g in (graph, made))
    found = judge_by_agreement(photos)(exact, near)
    if not found.is_as_good:
        raise OutputError(
            tr("In 8 bits the model does not find the same ({found}): export it without --int8.", found=found.why)
        )
    return made, found.why


def main(arguments: Iterable[str] | None = None) -> int:
    """Run the command by itself."""
    parser = argparse.ArgumentParser(
        prog="python -m model.commands.export_model", description=(__doc__ or "").splitlines()[0]
    )
    add_arguments(parser)
    return run(parser.parse_args(list(arguments) if arguments is not None else None))


if __name__ == "__main__":
    sys.exit(main())
