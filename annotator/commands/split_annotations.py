"""Splits a COCO file into one for training, one for validation, and one for tests."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from annotator.commands.files import check_target, photo_folder, summary, write_file
from annotator.commands.progress import print_shares
from dataset.check.contents import read_contents
from dataset.coco.raw_file import load_raw
from dataset.coco.reader import DataError
from dataset.folder import FolderError
from dataset.i18n import plural, tr
from dataset.messages import UserError
from dataset.photo_names import is_inside
from dataset.pictures.fingerprint_cache import UnreadablePhoto, fingerprints
from dataset.splitting import SIDES, group_photos, split_groups

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection, Iterator, Sequence

    from dataset.check.contents import Contents, Key
    from dataset.pictures.fingerprints import ImageFingerprint
    from dataset.splitting import Groups, Side


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("file", type=Path, metavar="FILE", help=tr("the COCO file"))
    parser.add_argument("--images", type=Path, metavar="DIR", help=tr("folder of its photos, else images beside it"))
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help=tr("folder of the files to write"))
    parser.add_argument("--overwrite", action="store_true", help=tr("replace files that are there already"))
    add_shares(parser, val=0.2)


def add_shares(parser: argparse.ArgumentParser, *, val: float) -> None:
    """Add the options that say how much is validated and tested with."""
    parser.add_argument("--val", type=float, default=val, metavar="SHARE", help=tr("of the photos, for validation"))
    parser.add_argument("--test", type=float, default=0.0, metavar="SHARE", help=tr("of the photos, for tests"))
    parser.add_argument(
        "--by-photo", action="store_true", help=tr("do not keep photos together that are alike or of one video")
    )


def run(args: argparse.Namespace) -> int:
    """Split. Return 0, or 2 with one sentence on standard error."""
    try:
        _split(args)
    except (UserError, FolderError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - what the command is for
        return 2
    return 0


def check_shares(args: argparse.Namespace) -> None:
    """Check that the shares leave something to train with.

    Raises:
        DataError: They do not.
    """
    if not (0 <= args.val < 1 and 0 <= args.test < 1 and args.val + args.test < 1):
        raise DataError(tr("--val and --test are shares from 0 to 1, less than 1 together."))


def sides_of(
    names: Sequence[str],
    classes: Sequence[frozenset[str]],
    folder: Path | None,
    args: argparse.Namespace,
    trained: Collection[int] = (),
) -> list[Side]:
    """Return the side of each photo, with progress on standard error.

    Args:
        names: Of the photos.
        classes: Names of the classes of each photo's objects.
        folder: Of the photos; None where they are not looked at.
        args: With `add_shares`.
        trained: Indices of photos that train, with what belongs to them.

    Raises:
        DataError: All photos belong together, so that nothing would be left to train or to measure with.
    """
    found: list[ImageFingerprint] = []
    if folder is not None and not args.by_photo:
        inside = [name for name in dict.fromkeys(names) if is_inside(name)]
        print_shares(_fingerprints(folder, inside, found), len(inside))
    groups = _of_one_name(names) if args.by_photo else group_photos(names, found)
    together = set(trained)
    sides = split_groups([group for group in groups if together.isdisjoint(group)], names, classes, args.val, args.test)
    if len(names) > 1 and args.val + args.test > 0 and set(sides) == {"train"}:
        if trained:
            text = tr("Photos that share an id stay together, and too few are left: give each photo an id of its own.")
            raise DataError(text)
        if args.by_photo:
            raise DataError(tr("Of so few photos none would be left out of the training: give --val a larger share."))
        text = tr("All photos look alike, are of one video, or are too few: --by-photo splits what looks alike, too.")
        raise DataError(text)
    for side, share in (("val", args.val), ("test", args.test)):
        if share and side not in sides:
            text = tr("Of so few photos none is left for {side}: give --{side} a larger share.", side=side)
            print(text, file=sys.stderr)  # noqa: T201 - what the command is for
    return sides


def _fingerprints(folder: Path, names: list[str], found: list[ImageFingerprint]) -> Iterator[int]:
    for done, photo in enumerate(fingerprints(folder, names), 1):
        if not isinstance(photo, UnreadablePhoto):
            found.append(photo)
        yield done


def _of_one_name(names: Sequence[str]) -> Groups:
    """Return groups of indices: each photo by itself, also one that is listed twice."""
    groups: defaultdict[str | int, list[int]] = defaultdict(list)
    for i, name in enumerate(names):
        groups[name or i].append(i)
    return list(groups.values())


def _split(args: argparse.Namespace) -> None:
    check_shares(args)
    raw = load_raw(args.file)
    folder = photo_folder(raw, args.file, args.images)
    contents = read_contents(raw, folder)
    class_names = {category.id: category.name for category in contents.table.categories}
    classes = [frozenset(_classes(contents, image.annotations, class_names)) for image in contents.images]
    sides = sides_of([image.photo for image in contents.images], classes, folder, args, _of_one_id(contents))
    wanted = [side for side in SIDES if side == "train" or side in sides]
    targets = {side: args.output / f"{side}.json" for side in wanted}
    for target in targets.values():
        check_target(target, [args.file], overwrite=args.overwrite)
    for left in (args.output / f"{side}.json" for side in SIDES if side not in wanted):
        if left.exists():  # of another split: its photos are on a side of this one, too
            text = tr("{file} would stay beside the new files: delete it, or name another folder with --output.",
                      file=left)  # fmt: skip
            raise DataError(text)
    of_image = {image.place: side for image, side in zip(contents.images, sides, strict=True)}
    by_key = {image.key: of_image[image.place] for image in contents.images if image.key is not None}
    of_object: list[Side] = [by_key.get(key, "train") for key in contents.ids.image_ids]
    counts: Counter[tuple[str, str]] = Counter()
    for side, target in targets.items():
        objects = [place for place, own in enumerate(of_object) if own == side]
        counts.update((side, name) for name in _classes(contents, objects, class_names))
        images = [entry for place, entry in enumerate(raw.images) if of_image.get(place, "train") == side]
        write_file(target, replace(raw, images=images, annotations=[raw.annotations[place] for place in objects]))
        print(summary(target, len(images), len(objects)))  # noqa: T201 - what the command is for
    if contents.orphans:
        text = plural("{n:,} object belongs to no photo; it is in train.json.",
                      "{n:,} objects belong to no photo; they are in train.json.", len(contents.orphans))  # fmt: skip
        print(text, file=sys.stderr)  # noqa: T201
    _print_counts(counts, wanted)


def _of_one_id(contents: Contents) -> set[int]:
    """Return the indices of photos that share an id: whose an object is would be lost if they were not together.

    A photo that is listed twice is one.
    """
    photos: defaultdict[Key, set[str | int]] = defaultdict(set)
    for image in contents.images:
        photos[image.key].add(image.photo or image.place)
    return {i for i, image in enumerate(contents.images) if image.key is not None and len(photos[image.key]) > 1}


def _classes(contents: Contents, places: Sequence[int], names: dict[int, str]) -> Iterator[str]:
    """Yield the class of each of these objects that has one."""
    for place in places:
        number = contents.table.ids.get(contents.ids.category_ids[place])
        if number is not None:
            yield names[number]


def _print_counts(counts: Counter[tuple[str, str]], sides: Sequence[Side]) -> None:
    names = sorted({name for _, name in counts})
    width = max((len(name) for name in names), default=0)
    print(" " * width + "".join(f"{side:>10}" for side in sides))  # noqa: T201
    for name in names:
        print(f"{name:{width}}" + "".join(f"{counts[side, name]:10,}" for side in sides))  # noqa: T201
