"""Brings the annotations of a COCO file to the sizes that its photos have now."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from annotator.commands.progress import with_progress
from annotator.core.photo_state import PhotoState
from annotator.core.store.coco_codec import CocoError
from annotator.core.store.project_file import ProjectFile
from annotator.core.store.rescaling import same_aspect
from dataset.coco.reader import DataError, Source
from dataset.folder import FolderError, list_images
from dataset.i18n import plural, tr
from dataset.messages import UserError, counted_photos, listing, os_reason
from dataset.pictures.images import PhotoError, is_turned, photo_size
from model.output_check import OutputError, check_output

if TYPE_CHECKING:
    import argparse

    from annotator.core.store.rescaling import Size


@dataclass
class _Tally:
    """What became of the photos."""

    photos: int = 0
    objects: int = 0
    unreadable: list[str] = field(default_factory=list)
    other_aspect: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    """Photos with objects far outside, whose size is that of the file."""
    refused: int = 0
    """Annotations of photos that were scaled, which stayed as they were."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("annotations", type=Path, metavar="FILE", help=tr("COCO file"))
    add("--images", type=Path, metavar="DIR", help=tr("folder of the photos (default: `images` beside the file)"))
    add("--output", type=Path, required=True, metavar="FILE", help=tr("COCO file to write"))
    add(
        "--scale",
        type=float,
        metavar="FACTOR",
        help=tr(
            "multiply the coordinates by this where the file gives the photos' own sizes, as after the photos were "
            "reduced and only the sizes were put right: 0.5 for photos of half the size"
        ),
    )
    add("--stretch", action="store_true", help=tr("also scale where the proportions of a photo have changed"))
    add("--skip", action="store_true", help=tr("leave photos whose proportions have changed as they are in the file"))


def run(args: argparse.Namespace) -> int:
    """Rescale. Return 0, or 2 with one sentence on standard error."""
    try:
        _rescale(args)
    except (UserError, CocoError, FolderError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - what the command is for
        return 2
    except OSError as error:
        text = tr("{file} cannot be written: {reason}.", file=args.output, reason=os_reason(error))
        print(text, file=sys.stderr)  # noqa: T201 - what the command is for
        return 2
    return 0


def _rescale(args: argparse.Namespace) -> None:
    check_output(args.output)
    if args.output.exists():
        raise OutputError(tr("{file} exists: name another file with --output.", file=args.output))
    if args.scale is not None and not 0 < args.scale < float("inf"):
        raise UserError(tr("--scale needs a number above zero."))
    if not args.annotations.is_file():
        raise DataError(tr("{file} does not exist.", file=args.annotations))
    folder = Source(args.annotations, args.images).folder()
    names = list_images(folder)
    file = ProjectFile(args.annotations, names, folder.resolve().name)
    known = _known(file, names, folder, args)
    tally = _Tally()
    states = {}
    for name in with_progress(known):
        state = _scaled(file, folder, name, args, tally)
        if state is not None:
            states[name] = state
    if tally.other_aspect and not args.skip:
        text = plural(
            "{photos} has other proportions than in {file}, as if it was cropped or stretched: --stretch scales its "
            "objects all the same, --skip leaves them as they are.",
            "{photos} have other proportions than in {file}, as if they were cropped or stretched: --stretch scales "
            "their objects all the same, --skip leaves them as they are.",
            len(tally.other_aspect),
            photos=listing(tally.other_aspect),
            file=args.annotations,
        )
        raise DataError(text)
    for text in _left(tally, file, args.annotations):
        print(text, file=sys.stderr)  # noqa: T201 - what the command is for
    if not states:
        print(tr("There is nothing to scale: nothing was written."))  # noqa: T201 - what the command is for
        return
    refused = file.lay_out(states)
    if refused:
        raise DataError(tr("{photos} cannot be written.", photos=listing(list(refused))))
    file.write_copy(args.output, [category for category, _ in file.coco.categories])
    text = plural(
        "{n:,} object of {photos} scaled: {file}",
        "{n:,} objects of {photos} scaled: {file}",
        tally.objects,
        photos=counted_photos(tally.photos),
        file=args.output,
    )
    print(text)  # noqa: T201 - what the command is for


def _known(file: ProjectFile, names: list[str], folder: Path, args: argparse.Namespace) -> list[str]:
    """Return the photos that the file has; DataError where there are none."""
    known = [name for name in names if file.knows(name)]
    if not known:
        raise DataError(
            tr(
                "{folder} has none of the photos of {file}: name their folder with --images.",
                folder=folder,
                file=args.annotations,
            )
        )
    return known


def _scaled(file: ProjectFile, folder: Path, name: str, args: argparse.Namespace, tally: _Tally) -> PhotoState | None:
    """Return a photo with its annotations scaled, None where it stays as it is."""
    try:
        size = photo_size(folder / name)
        entry = file.size(name)
        if entry is not None and is_turned(folder / name, entry, size):
            return None  # the size before it was turned upright
    except PhotoError:
        tally.unreadable.append(name)
        return None
    if entry is not None and not (args.stretch or same_aspect(entry, size)):
        tally.other_aspect.append(name)
        return None
    current = {a.id: a for a in file.annotations(name)}
    made = file.scaled(name, size, current, _made_for(size, entry, args.scale), stretch=args.stretch)
    tally.refused += made.refused
    if not made.records and (entry == size or entry is None or file.count(name)):
        mismatch = file.size_mismatch(name, size)
        if mismatch is not None and mismatch.kind == "reach":
            tally.outside.append(name)
        return None
    tally.photos += 1
    tally.objects += len(made.records)
    return PhotoState(size, tuple({**current, **made.records}.values()))


def _made_for(size: Size, entry: Size | None, factor: float | None) -> Size | None:
    """Return the size that `--scale` says the objects were made for; None where that is for the file to say."""
    if factor is None or entry not in (None, size):
        return None
    return max(1, round(size[0] / factor)), max(1, round(size[1] / factor))


def _left(tally: _Tally, file: ProjectFile, path: Path) -> list[str]:
    """Return sentences on what stays as it is."""
    texts = []
    if tally.other_aspect:
        texts.append(
            tr("{photos}: other proportions than in the file; left as they are.", photos=listing(tally.other_aspect))
        )
    if tally.outside:
        texts.append(
            plural(
                "Objects of {photos} lie far outside: if it was reduced, --scale says by how much, such as 0.5 for a "
                "half.",
                "Objects of {photos} lie far outside: if they were reduced, --scale says by how much, such as 0.5 for "
                "a half.",
                len(tally.outside),
                photos=listing(tally.outside),
            )
        )
    if tally.unreadable:
        texts.append(tr("{photos} cannot be read; left as they are.", photos=listing(tally.unreadable)))
    if tally.refused:
        texts.append(
            plural(
                "{n:,} object was made for a size of other proportions, or cannot be understood; it is left as it is.",
                "{n:,} objects were made for sizes of other proportions, or cannot be understood; they are left as "
                "they are.",
                tally.refused,
            )
        )
    if file.missing:
        texts.append(
            plural(
                "{n:,} photo of {file} is not in the folder; left as it is.",
                "{n:,} photos of {file} are not in the folder; left as they are.",
                file.missing,
                file=path,
            )
        )
    return texts
