"""Suggestions for a folder of photos, without a window: COCO JSON, and pictures of it if wanted.

Detections are kept beside the output, photo by photo, so that a run that was killed goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import sys
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset.atomic_files import write_bytes
from dataset.coco.categories import to_coco
from dataset.folder import list_images
from dataset.i18n import mark, plural, tr
from dataset.json_text import loads
from dataset.messages import UserError, counted_photos
from dataset.pictures.images import SUFFIXES, PhotoError, ReducedPhoto, read_reduced
from dataset.regular_files import read_regular
from model.commands import preview
from model.commands.preview import is_preview, picture_names
from model.commands.resume_journal import ResumeLog, journal_file, journal_files, left_to_do, read_journals, stamp
from model.commands.weights_option import add_weights
from model.console import print_message, shared_photos
from model.distributed import ProcessGroup
from model.inference.closer_look import CloserLook
from model.inference.coco_results import detection
from model.inference.device import selectable_devices
from model.inference.mask_keypoint_pair import load_predictor
from model.inference.out_of_memory import chunks, detect_batch
from model.output_check import check_output

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from model.inference.segmenter import Segmenter

OUTPUT_NAME = "suggestions.json"
GENERATOR = "annotator suggest"
"""`info.generator` of the output: such a file may be replaced, any other not."""
NO_MEMORY = mark("There is not enough memory for this photo.")


class SuggestError(UserError):
    """The command cannot be done."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("folder", type=Path, metavar="FOLDER", help=tr("photos, subfolders included"))
    add("--output", type=Path, metavar="FILE", help=tr("COCO JSON to write (default: FOLDER/{name})", name=OUTPUT_NAME))
    add_weights(parser)
    add("--score", type=float, default=0.5, help=tr("least score of a suggestion, 0 to 1 (default: 0.5)"))
    add(
        "--closer-look",
        action=argparse.BooleanOptionalAction,
        default=True,
        help=tr("look at large photos in tiles, too, for small objects; slower (default: yes)"),
    )
    add("--device", choices=selectable_devices(), default="auto", help=tr("where to compute (default: auto)"))
    add("--preview", type=Path, metavar="DIR", help=tr("also write pictures of the suggestions to this folder"))


def run(args: argparse.Namespace) -> int:
    """Do the command. Return 0, or 2 with one sentence on standard error, or 130 when stopped by Ctrl+C.

    Several processes that `torchrun` started share the photos out and write one file.
    """
    group = ProcessGroup.init(args.device)
    try:
        return _run(args, group)
    except UserError as error:
        if group.is_main:
            print_message(str(error))
        group.barrier()  # until it is printed: torchrun ends them all as soon as one of them has failed
    except BrokenPipeError:  # of standard output, not of a file
        raise
    except OSError as error:
        file = error.filename or args.output or args.folder
        print_message(tr("{file} cannot be written: {reason}.", file=file, reason=error.strerror))
    except KeyboardInterrupt:
        if group.is_main:
            print_message(tr("Stopped. The same command goes on from here."))
        return 130
    finally:
        group.destroy()
    return 2


def _run(args: argparse.Namespace, group: ProcessGroup) -> int:
    output: Path = args.output or args.folder / OUTPUT_NAME
    photos, predictor = group.run_on_all(lambda: _prepare(args, output))
    pictures = _pictures(photos, args)
    settings = {"generator": GENERATOR, "weights": predictor.id, "score": args.score}
    earlier = _earlier(args.folder, output, settings, pictures) if group.is_main else {}
    left = left_to_do(photos, str, earlier, group)
    mine: list[dict[str, Any]] = []
    with ResumeLog(journal_file(output, group), settings) as journal:
        for names in chunks(shared_photos(left, group), predictor.batch):
            for record in _suggest(predictor, args.folder, names, args.score, pictures):
                mine.append(record)
                if "error" not in record:  # it may be repaired before the next run
                    journal.add(record)
    found = earlier | {record["file_name"]: record for part in group.all_gather(mine) for record in part}
    if group.is_main:
        records = [found[name] for name in photos]
        _check_any(records, output, args.folder)
        _finish(records, output, predictor, args)
    group.barrier()  # the journals are kept until the output is written
    for path in journal_files(output):
        path.unlink(missing_ok=True)
    return 0


def _prepare(args: argparse.Namespace, output: Path) -> tuple[list[str], Segmenter]:
    """Return the photos and the model, after checking the arguments."""
    photos = _photos(args)
    _check_preview(photos, args)
    _check_output(output)
    predictor = load_predictor(args.weights, args.device)
    print_message(predictor.notice)
    return photos, CloserLook(predictor) if args.closer_look else predictor


def _earlier(
    folder: Path, output: Path, settings: dict[str, Any], pictures: dict[str, Path]
) -> dict[str, dict[str, Any]]:
    """Return by name the records that a run which was stopped left: of photos that are as they were, with pictures."""
    found: dict[str, dict[str, Any]] = {}
    for record in read_journals(output, settings):
        name = record["file_name"]
        picture = pictures.get(name)
        drawn = picture is None or (record.get("picture") == str(picture.absolute()) and picture.is_file())
        if drawn and record["stamp"] == stamp(folder / name):
            found[name] = record
    return found


def _check_any(records: list[dict[str, Any]], output: Path, folder: Path) -> None:
    """Raise SuggestError if no photo could be looked at: the output of an earlier run is worth more than none."""
    if any("error" not in record for record in records):
        return
    for path in journal_files(output):  # they hold nothing
        path.unlink(missing_ok=True)
    name, reason = records[0]["file_name"], records[0]["error"].rstrip(".")
    text = tr("None of the photos of {folder} can be read; {file}: {reason}.", folder=folder, file=name, reason=reason)
    raise SuggestError(text)


def _finish(records: list[dict[str, Any]], output: Path, predictor: Segmenter, args: argparse.Namespace) -> None:
    """Write the output; print its contents and the photos that were left out."""
    write_bytes(output, json.dumps(_coco(records, predictor, args)).encode())
    bad = [r for r in records if "error" in r]
    count = sum(len(r["annotations"]) for r in records if "error" not in r)
    found = plural("{n:,} suggestion", "{n:,} suggestions", count)
    seen = counted_photos(len(records) - len(bad))
    if bad:
        seen = tr("{photos} of {n:,}", photos=seen, n=len(records))
    text = tr("{suggestions} on {photos}: {file}", suggestions=found, photos=seen, file=output)
    print(text)  # noqa: T201 - what the command is for
    if args.preview:
        print(tr("Pictures: {folder}", folder=args.preview))  # noqa: T201
    for record in bad:
        print_message(tr("Left out {file}: {reason}", file=record["file_name"], reason=record["error"]))


def _photos(args: argparse.Namespace) -> list[str]:
    """Return the folder's photos after checking the arguments."""
    if not 0 <= args.score <= 1:
        raise SuggestError(tr("The score is between 0 and 1, not {score}.", score=args.score))
    if not args.folder.is_dir():
        if args.folder.exists():
            raise SuggestError(tr("{folder} is not a folder: name a folder of photos.", folder=args.folder))
        raise SuggestError(tr("{folder} does not exist: name a folder of photos.", folder=args.folder))
    photos = list_images(args.folder, [args.preview] if args.preview else [])
    if not photos:
        endings = ", ".join(SUFFIXES)
        raise SuggestError(
            tr("{folder} holds no photos, files that end in {endings}.", folder=args.folder, endings=endings)
        )
    return photos


def _pictures(photos: list[str], args: argparse.Namespace) -> dict[str, Path]:
    """Return where the picture of each photo goes; none where no pictures are wanted."""
    return {name: args.preview / picture for name, picture in picture_names(photos).items()} if args.preview else {}


def _check_preview(photos: list[str], args: argparse.Namespace) -> None:
    """Refuse to write pictures where they cannot be, over the photos themselves, or over files of a person."""
    if args.preview and args.preview.exists() and not args.preview.is_dir():
        raise SuggestError(
            tr("{folder} is not a folder: name a folder for the pictures with --preview.", folder=args.preview)
        )
    if args.preview and args.preview.resolve() == args.folder.resolve():
        text = tr(
            "{folder} is the folder of the photos: name another for the pictures with --preview.", folder=args.preview
        )
        raise SuggestError(text)
    for picture in _pictures(photos, args).values():
        if picture.exists() and not is_preview(picture):
            text = tr("{file} exists and is no picture of this command: name another folder with --preview.",
                      file=picture)  # fmt: skip
            raise SuggestError(text)


def _check_output(output: Path) -> None:
    """Refuse what cannot be written, and to replace a file that is not as this command wrote it: somebody's work."""
    check_output(output)
    if not output.exists():
        return
    try:
        found = loads(read_regular(output))
        ours = found["info"]["generator"] == GENERATOR and found["info"]["digest"] == _digest(found)
    except (OSError, ValueError, KeyError, TypeError):
        ours = False
    if not ours:
        raise SuggestError(
            tr("{file} exists and is not as this command wrote it: name another file with --output.", file=output)
        )


def _suggest(
    predictor: Segmenter,
    folder: Path,
    names: list[str],
    score: float,
    pictures: dict[str, Path],
) -> Iterator[dict[str, Any]]:
    """Yield the records of photos; one that cannot be read has an `error` instead of annotations."""
    photos: dict[str, ReducedPhoto] = {}
    stamps: dict[str, list[int]] = {}
    for name in names:
        stamps[name] = stamp(folder / name)  # before it is read: what changes meanwhile is read again
        try:
            photos[name] = read_reduced(folder / name)
        except PhotoError as error:
            yield {"file_name": name, "error": str(error)}
        except MemoryError:
            yield {"file_name": name, "error": tr(NO_MEMORY)}
    try:
        found = detect_batch(predictor, [photo.pixels for photo in photos.values()], print_message, score=score)
    except MemoryError:
        if len(names) > 1:
            for name in photos:
                yield from _suggest(predictor, folder, [name], score, pictures)
        else:
            yield {"file_name": names[0], "error": tr(NO_MEMORY)}
        return
    for (name, photo), instances in zip(photos.items(), found, strict=True):
        record: dict[str, Any] = {"file_name": name, "stamp": stamps[name]}
        if name in pictures:
            preview.save(preview.draw(photo.pixels, instances, predictor.categories), pictures[name])
            record["picture"] = str(pictures[name].absolute())
        width, height = photo.size
        annotations = [detection(i.enlarged(photo.scale), (height, width)) for i in instances]
        yield record | {"width": width, "height": height, "annotations": annotations}


def _coco(records: list[dict[str, Any]], predictor: Segmenter, args: argparse.Namespace) -> dict[str, Any]:
    images, annotations = [], []
    for number, record in enumerate(records, 1):
        if "error" in record:
            continue
        images.append({"id": number, **{key: record[key] for key in ("file_name", "width", "height")}})
        for found in record["annotations"]:
            annotations.append({"id": len(annotations) + 1, "image_id": number, **found})
    info = {
        "description": tr("Suggestions of the model {name}, not checked by a person", name=Path(args.weights).name),
        "generator": GENERATOR,
        "score": args.score,
    }
    categories = [to_coco(c) for c in predictor.categories]
    found = {"info": info, "licenses": [], "images": images, "annotations": annotations, "categories": categories}
    info["digest"] = _digest(found)
    return found


def _digest(coco: dict[str, Any]) -> str:
    """Return a digest of what a COCO file says, by which it is known whether it was changed since."""
    said = json.dumps([coco[name] for name in ("images", "annotations", "categories")], sort_keys=True)
    return blake2b(said.encode(), digest_size=16).hexdigest()


def main(arguments: Iterable[str] | None = None) -> int:
    """Run the command by itself."""
    parser = argparse.ArgumentParser(
        prog="python -m model.commands.suggest", description=(__doc__ or "").splitlines()[0]
    )
    add_arguments(parser)
    return run(parser.parse_args(list(arguments) if arguments is not None else None))


if __name__ == "__main__":
    sys.exit(main())
