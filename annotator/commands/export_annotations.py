"""Writes a project's annotations as files of another program."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from annotator.commands.open_store import open_store
from annotator.commands.progress import ShareLines, with_progress
from annotator.commands.split_annotations import add_shares, check_shares, sides_of
from annotator.core.exchange import known_ids, left_out, names_to_export, to_dataset
from annotator.core.store.coco_codec import CocoError
from annotator.core.store.store import Store, StoreError
from annotator.core.training_set import labelled
from dataset.folder import FolderError
from dataset.formats.base import FilesExistError, Format, FormatError, formats
from dataset.formats.exporting import export
from dataset.i18n import plural, tr
from dataset.messages import UserError, counted_photos

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    writable = [f for f in formats() if f.write]
    parser.epilog = "; ".join(f"{f.name}: {tr(f.title)}" for f in writable)
    names = ", ".join(f.name for f in writable)
    parser.add_argument("format", choices=[f.name for f in writable], metavar="FORMAT", help=names)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help=tr("folder of photos"))
    parser.add_argument("target", type=Path, metavar="TARGET", help=tr("file or folder to write"))
    parser.add_argument("--annotations", type=Path, help=tr("a COCO file other than FOLDER/annotations.json"))
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--done", action="store_true", help=tr("only photos marked done, as without --all"))
    which.add_argument("--all", action="store_true", help=tr("all photos that have annotations or are marked done"))
    parser.add_argument("--overwrite", action="store_true", help=tr("replace files that are there already"))
    add_shares(parser, val=0.0)


def run(args: argparse.Namespace) -> int:
    """Export. Return 0, or 2 with one sentence on standard error."""
    file_format = next(f for f in formats() if f.name == args.format)
    try:
        with open_store(args.folder, args.annotations, writes=False) as store:
            _write(store, file_format, args)
    except FilesExistError as error:
        print(error, tr("Or --overwrite replaces what is there."), file=sys.stderr)  # noqa: T201 - as below
        return 2
    except (UserError, StoreError, CocoError, FolderError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - what the command is for
        return 2
    return 0


def _write(store: Store, file_format: Format, args: argparse.Namespace) -> None:
    check_shares(args)
    if args.val + args.test > 0 and not file_format.has_splits:
        raise FormatError(tr("{format} has no splits: leave out --val and --test.", format=tr(file_format.title)))
    if args.target.resolve() == store.file:
        raise FormatError(tr("{file} is the project's own file; choose another place.", file=args.target))
    every = names_to_export(store)
    names = every if args.all else names_to_export(store, done_only=True)
    if not every:
        raise FormatError(tr("{folder} has no annotations to export.", folder=args.folder))
    if not names:
        text = plural(
            "No photo is marked done: --all exports the {n:,} that has annotations.",
            "No photo is marked done: --all exports the {n:,} that have annotations.",
            len(every),
        )
        raise FormatError(text)
    partly: list[str] = []
    photos = labelled(store, with_progress(names), partly=partly)
    ids = known_ids(store, store.categories)
    data = to_dataset(store.images, photos, store.categories, ids, store.recorded())
    lost = len(names) - len(data.images)
    if args.val + args.test > 0:
        heads = data.heads
        sides = sides_of([head.name for head in heads], [head.class_names for head in heads], store.images, args)
        data = replace(data, splits={head.name: side for head, side in zip(heads, sides, strict=True)})
    if others := len(every) - len(names):
        text = plural("{n:,} photo that is not marked done is left out; --all exports it, too.",
                      "{n:,} photos that are not marked done are left out; --all exports them, too.",
                      others)  # fmt: skip
        print(text, file=sys.stderr)  # noqa: T201 - what the command is for
    for loss in (*left_out(lost, partly), *file_format.losses(data)):
        print(loss, file=sys.stderr)  # noqa: T201 - what the command is for
    export(file_format, data, args.target, overwrite=args.overwrite, on_progress=ShareLines())
    text = plural("{n:,} object of {photos} written to {target}.", "{n:,} objects of {photos} written to {target}.",
                  data.object_count, photos=counted_photos(len(data.images)), target=args.target)  # fmt: skip
    print(text)  # noqa: T201 - what the command is for
