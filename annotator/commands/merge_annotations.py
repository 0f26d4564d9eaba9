"""Makes one COCO file of several."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from annotator.commands.files import check_target, summary, write_file
from annotator.commands.progress import print_shares
from dataset.atomic_files import write_bytes
from dataset.check.contents import read_contents
from dataset.coco.raw_file import load_raw
from dataset.coco.reader import DataError
from dataset.folder import FolderError, list_images
from dataset.i18n import plural, tr
from dataset.json_text import encode
from dataset.merge.merging import merge
from dataset.messages import UserError, listing, os_reason

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from dataset.merge.merging import Merged


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help=tr("COCO files, the most trusted first"))
    parser.add_argument("--output", type=Path, required=True, metavar="OUT", help=tr("the file to write"))
    parser.add_argument(
        "--images", type=Path, metavar="DIR", help=tr("folder of all their photos, where their names differ")
    )
    parser.add_argument(
        "--drop-duplicates", action="store_true", help=tr("leave out objects that an earlier file has already")
    )
    parser.add_argument("--overwrite", action="store_true", help=tr("replace files that are there already"))


def run(args: argparse.Namespace) -> int:
    """Merge. Return 0, or 2 with one sentence on standard error."""
    try:
        _merge(args)
    except (UserError, FolderError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - what the command is for
        return 2
    return 0


def _merge(args: argparse.Namespace) -> None:
    report = args.output.with_name(args.output.name + ".report.json")
    for target in (args.output, report):
        check_target(target, args.files, overwrite=args.overwrite)
    if len(args.files) < 2:
        raise DataError(tr("One file is not merged: name two or more."))
    names = list_images(args.images) if args.images else None
    read = [read_contents(load_raw(file), args.images, names) for file in args.files]
    for file, contents in zip(args.files, read, strict=True):
        print(summary(file, len(contents.images), len(contents.raw.annotations)))  # noqa: T201 - what the command is for
    merged = merge([(contents, file.stem) for contents, file in zip(read, args.files, strict=True)])
    print_shares(merged.find_copies(), len(merged.photos.raws))
    raw = merged.without_copies() if args.drop_duplicates else merged.raw
    write_file(args.output, raw)
    try:
        write_bytes(report, encode(_report(merged, args)))
    except OSError as error:
        raise DataError(tr("{file} cannot be written: {reason}.", file=report, reason=os_reason(error))) from None
    for sentence in _sentences(merged, dropped=args.drop_duplicates):
        print(sentence)  # noqa: T201 - what the command is for
    print(summary(args.output, len(raw.images), len(raw.annotations)))  # noqa: T201


def _sentences(merged: Merged, *, dropped: bool) -> Iterator[str]:
    photos, classes, more = merged.photos, merged.classes, len(merged.fuller)
    n = len(merged.copies) - more
    if photos.united:
        yield plural("{n:,} photo is in several files, and one now.", "{n:,} photos are in several files, and one now.",
                     photos.united)  # fmt: skip
    yield from _named(tr("Photos of one name but of another size stay apart: {names}."), photos.other_size)
    yield from _named(tr("Photos whose names may mean several stay apart: {names}."), photos.unclear)
    yield from _named(tr("The first file's fields are kept of photos: {names}."), photos.other_fields)
    alike = [f"{other} → {name}" for name, other in classes.alike]
    yield from _named(tr("Classes that differ by case or space are one: {names}."), alike)
    apart = [f"{name} → {other}" for name, other in classes.apart]
    yield from _named(tr("Classes with other keypoints stay apart: {names}."), apart)
    yield from _named(tr("The first file's skeletons are kept of classes: {names}."), classes.skeletons)
    yield from _named(tr("The first file's fields are kept of classes: {names}."), classes.other_fields)
    yield from _named(tr("The first file's values are kept of: {names}."), merged.other_fields)
    if merged.renumbered:
        yield plural("{n:,} object has a new id.", "{n:,} objects have new ids.", merged.renumbered)
    if merged.strays:
        yield plural("{n:,} object is of no photo or class; it is kept.",
                     "{n:,} objects are of no photo or class; they are kept.", merged.strays)  # fmt: skip
    if n and dropped:
        yield plural("{n:,} object is left out: an earlier file has it.",
                     "{n:,} objects are left out: an earlier file has them.", n)  # fmt: skip
    elif n:
        yield plural("{n:,} object is in an earlier file, too; --drop-duplicates leaves it out.",
                     "{n:,} objects are in an earlier file, too; --drop-duplicates leaves them out.", n)  # fmt: skip
    if more:
        yield plural("{n:,} object is in an earlier file, too, without all of its fields and keypoints: it is kept.",
                     "{n:,} objects are in an earlier file, too, without all of their fields and keypoints: "
                     "they are kept.", more)  # fmt: skip


def _named(sentence: str, names: list[str]) -> Iterator[str]:
    if names:
        yield sentence.replace("{names}", listing(list(dict.fromkeys(names))))


def _report(merged: Merged, args: argparse.Namespace) -> dict[str, Any]:
    photos, classes = merged.photos, merged.classes
    return {
        "files": [str(file) for file in args.files],
        "output": str(args.output),
        "photos": {
            "united": photos.united,
            "other_size": photos.other_size,
            "unclear": photos.unclear,
            "other_fields": photos.other_fields,
        },
        "classes": {
            "alike": classes.alike,
            "apart": classes.apart,
            "skeletons": classes.skeletons,
            "other_fields": classes.other_fields,
        },
        "fields": merged.other_fields,
        "renumbered": merged.renumbered,
        "strays": merged.strays,
        "duplicates_dropped": args.drop_duplicates,
        "duplicates": [
            {"kind": f.kind, "photo": f.photo, "annotation": f.annotation, **(f.values or {})}
            | {"has_more": f.place in merged.fuller}
            for f in merged.copies
        ],
    }
