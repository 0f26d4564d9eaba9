"""Adds the annotations of another program's files to a project."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from annotator.commands.open_store import open_store
from annotator.commands.progress import ShareLines
from annotator.core.exchange import (
    add_classes,
    fields_added,
    known_ids,
    lost_keypoints,
    put_image,
    read_dataset,
    read_found,
    suggestions_added,
    to_additions,
    to_annotations,
    to_suggestions,
    with_replaced,
    without_known_fields,
)
from annotator.core.store.autosave import reason_of
from annotator.core.store.coco_codec import CocoError
from annotator.core.store.store import Store, StoreError
from dataset.atomic_files import WriteProtectedError, check_unprotected
from dataset.folder import FolderError, list_images
from dataset.formats.base import FormatError, formats
from dataset.formats.recognition import find_annotations
from dataset.i18n import plural, tr
from dataset.messages import UserError, counted_photos

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from dataset.formats.base import Dataset, Format


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    readable = [f for f in formats() if f.read]
    parser.epilog = "; ".join(f"{f.name}: {tr(f.title)}" for f in readable)
    parser.usage = tr("%(prog)s [options] [FORMAT SOURCE] FOLDER")
    parser.add_argument(
        "words",
        nargs="+",
        metavar="FOLDER",
        help=tr(
            "the format ({names}), the file or folder with the annotations, and the folder of photos; the folder alone "
            "says what other tools have annotated in it",
            names=_names(readable),
        ),
    )
    parser.add_argument("--yes", action="store_true", help=tr("import what is found in the folder"))
    parser.add_argument("--only", metavar="FORMAT", default="", help=tr("of what is found, that of one format"))
    parser.add_argument("--annotations", type=Path, help=tr("a COCO file other than FOLDER/annotations.json"))
    parser.add_argument(
        "--add", action="store_true", help=tr("also add to photos that have annotations, which are left out otherwise")
    )


def run(args: argparse.Namespace) -> int:
    """Import. Return 0, or 2 with one sentence on standard error."""
    try:
        if len(args.words) == 1:
            return _found(args)
        if len(args.words) != 3:
            raise FormatError(tr("import needs a format, a source and a folder of photos, or that folder alone."))
        name, source = args.words[0], Path(args.words[1])
        file_format = next((f for f in formats() if f.name == name and f.read), None)
        if file_format is None:
            raise FormatError(tr("{name} is no format to import: --help lists them.", name=name))
        _import(args, partial(read_dataset, file_format, source))
    except (UserError, StoreError, CocoError, FolderError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - what the command is for
        return 2
    return 0


def _found(args: argparse.Namespace) -> int:
    """Say what there is in the folder, and import it where that was asked for and is but one format."""
    folder = Path(args.words[0])
    list_images(folder)  # it says what is wrong with it
    own = [path for path in (folder / "annotations.json", args.annotations) if path]
    found = [each for each in find_annotations(folder, own) if args.only in ("", each.format.name)]
    if not found:
        raise FormatError(tr("{folder} has no annotations of other tools.", folder=folder))
    for each in found:
        print(f"{each.format.name}: {each.names(folder) or folder}")  # noqa: T201 - what the command is for
    if not args.yes:
        text = tr("--yes imports it.") if len(found) == 1 else tr("--only FORMAT --yes imports one of them.")
        print(text)  # noqa: T201 - what the command is for
    elif len(found) > 1:
        raise FormatError(tr("Several are found and nothing is imported: choose one with --only."))
    else:
        _import(args, partial(read_found, found[0]))
    return 0


def _import(args: argparse.Namespace, read: Callable[..., Dataset]) -> None:
    with open_store(Path(args.words[-1]), args.annotations, writes=True) as store:
        _check_unprotected(store.file)
        said = _add(store, read, add=args.add)
        try:
            store.save().result()
        except StoreError as error:  # whose sentence is of a window, which tries again
            reason = reason_of(error.__cause__ or error)
            text = tr("{file} cannot be written: {reason}; what was imported is not in it.",
                      file=store.file, reason=reason)  # fmt: skip
            raise FormatError(text) from None
        print("\n".join(said))  # noqa: T201 - what the command is for


def _check_unprotected(file: Path) -> None:
    """Raise FormatError if nothing can be added to a COCO file without asking: before anything is on record."""
    try:
        check_unprotected(file)
    except WriteProtectedError:
        text = tr("{file} is write-protected, and nothing is imported: make it writable, or name another file with "
                  "--annotations.", file=file)  # fmt: skip
        raise FormatError(text) from None


def _add(store: Store, read: Callable[..., Dataset], *, add: bool) -> list[str]:
    """Put what is read on record, print what is left out of it, and return sentences on what was added."""
    data = read(store.images, store.names, known_ids(store, store.categories), on_progress=ShareLines())
    data = with_replaced(without_known_fields(data, store), store)
    add_classes(store.categories, data)
    problems = list(data.problems)
    if lost := lost_keypoints(data, store.categories):
        problems.append(plural(
            "{n:,} keypoint is left out: the project's class does not have it.",
            "{n:,} keypoints are left out: the project's classes do not have them.", lost,
        ))  # fmt: skip
    heads = data.heads
    found = [place for place, head in enumerate(heads) if head.object_count]
    wanted = [place for place in found if add or not store.count(heads[place].name)]
    noted = [place for place, head in enumerate(heads) if head.has_only_fields]
    taken = sorted((*wanted, *noted))
    many = [place for place in taken if store.takes_additions(heads[place].name, heads[place].size)]
    additions = to_additions(data, many, store, store.categories, ShareLines())
    single = sorted(set(taken) - set(many))  # those that were worked on before, and not yet saved
    store.add(additions, data.extra)
    for place in single:
        image = data.images[place]
        put_image(store, image, to_annotations(image, data, store.categories, store.new_id))
    suggestions = _suggest(store, data)
    skipped, photos = len(found) - len(wanted), len(wanted)
    objects = sum(heads[place].object_count for place in wanted)
    if skipped:
        problems.append(plural(
            "{n:,} photo has annotations already and is left out; --add adds to it.",
            "{n:,} photos have annotations already and are left out; --add adds to them.", skipped,
        ))  # fmt: skip
    for problem in problems:
        print(problem, file=sys.stderr)  # noqa: T201 - what the command is for
    text = plural("{n:,} object added in {photos}.", "{n:,} objects added in {photos}.", objects,
                  photos=counted_photos(photos))  # fmt: skip
    said = [text] if objects or not (suggestions or noted) else []
    said += [fields_added(len(noted))] if noted else []
    return said + ([suggestions_added(suggestions)] if suggestions else [])


def _suggest(store: Store, data: Dataset) -> int:
    """Have the suggestions of a dataset shown, and return their number."""
    number = 0
    for place, head in enumerate(data.heads):
        if head.suggestion_count:
            found = to_suggestions(data.images[place], data, store.categories)
            store.pools.put(head.name, store.imported_pool, found)
            number += len(found)
    return number


def _names(listed: list[Format]) -> str:
    return ", ".join(f.name for f in listed)
