"""Adds the annotations of another program's files to a project."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from annotator.commands.open_store import open_store
from annotator.commands.progress import ShareLines
from annotator.core.exchange import (
    add_classes,
    known_ids,
    lost_keypoints,
    read_dataset,
    suggestions_added,
    to_additions,
    to_annotations,
    to_suggestions,
    with_replaced,
)
from annotator.core.store.coco_codec import CocoError
from annotator.core.store.store import Store, StoreError
from dataset.folder import FolderError
from dataset.formats.base import Format, formats
from dataset.i18n import plural, tr
from dataset.messages import UserError, counted_photos

if TYPE_CHECKING:
    import argparse

    from dataset.formats.base import Dataset


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    readable = [f for f in formats() if f.read]
    parser.epilog = "; ".join(f"{f.name}: {tr(f.title)}" for f in readable)
    parser.add_argument("format", choices=[f.name for f in readable], metavar="FORMAT", help=_names(readable))
    parser.add_argument("source", type=Path, metavar="SOURCE", help=tr("file or folder with the annotations"))
    parser.add_argument("folder", type=Path, metavar="FOLDER", help=tr("folder of photos"))
    parser.add_argument("--annotations", type=Path, help=tr("a COCO file other than FOLDER/annotations.json"))
    parser.add_argument(
        "--add", action="store_true", help=tr("also add to photos that have annotations, which are left out otherwise")
    )


def run(args: argparse.Namespace) -> int:
    """Import. Return 0, or 2 with one sentence on standard error."""
    file_format = next(f for f in formats() if f.name == args.format)
    try:
        with open_store(args.folder, args.annotations, writes=True) as store:
            _add(store, file_format, args.source, add=args.add)
            store.save().result()
    except (UserError, StoreError, CocoError, FolderError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - what the command is for
        return 2
    return 0


def _add(store: Store, file_format: Format, source: Path, *, add: bool) -> None:
    ids = known_ids(store, store.categories)
    data = read_dataset(file_format, source, store.images, store.names, ids, on_progress=ShareLines())
    data = with_replaced(data, store)
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
    many = [place for place in wanted if store.takes_additions(heads[place].name, heads[place].size)]
    additions = to_additions(data, many, store, store.categories, ShareLines())
    single = sorted(set(wanted) - set(many))  # those that were worked on before, and not yet saved
    store.add(additions)
    for place in single:
        image = data.images[place]
        state = store.load(image.name)
        new = to_annotations(image, data, store.categories, store.new_id)
        store.put(image.name, replace(state, size=image.size, annotations=(*state.annotations, *new)))
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
    said = [text] if objects or not suggestions else []
    said += [suggestions_added(suggestions)] if suggestions else []
    print("\n".join(said))  # noqa: T201 - what the command is for


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
