"""Gives the boxes of a COCO file masks, and persons keypoints: a detection data set becomes a segmentation one.

What was made is kept beside the output, photo by photo, so that a run that was killed goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dataset import rle
from dataset.atomic_files import write_bytes
from dataset.coco.categories import counterpart, to_coco
from dataset.coco.checks import sentences
from dataset.coco.reader import CocoData, DataError, Source, check_coco, load_coco, read_image, unusable_photos
from dataset.i18n import tr
from dataset.messages import UserError
from dataset.pictures.images import PhotoError
from model.checkpoints.names import WeightsError
from model.commands.missing_labels import find_missing_labels
from model.commands.resume_journal import ResumeLog, journal_file, journal_files, left_to_do, read_journals, stamp
from model.commands.weights_option import add_weights
from model.console import print_message, shared_photos
from model.distributed import ProcessGroup
from model.inference.coco_results import annotation
from model.inference.device import selectable_devices
from model.inference.mask_keypoint_pair import load_predictor
from model.output_check import OutputError, check_output

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dataset.pictures.images import ReducedPhoto
    from model.commands.missing_labels import MissingLabel, MissingLabels
    from model.inference.segmenter import Segmenter

SIZE_PROBLEMS = ("image_size", "other_size")
GENERATOR = "annotator masks"
MAX_NAMES = 5
"""Categories named in a message."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("annotations", type=Path, metavar="ANNOTATIONS", help=tr("COCO file with boxes"))
    add("--images", type=Path, metavar="DIR", help=tr("folder of the photos (default: `images` beside the file)"))
    add("--output", type=Path, required=True, metavar="FILE", help=tr("COCO file to write"))
    add_weights(parser)
    add("--device", choices=selectable_devices(), default="auto", help=tr("where to compute (default: auto)"))
    add("--replace", action="store_true", help=tr("also redo the masks and keypoints that the file has"))


def run(args: argparse.Namespace) -> int:
    """Do the command. Return 0, or 2 with one sentence on standard error, or 130 when stopped by Ctrl+C."""
    group = ProcessGroup.init(args.device)
    try:
        data, predictor, folder = group.run_on_all(lambda: _prepare(args))
        source = Source(args.annotations, folder)
        count = fill(predictor, data, source, replace=args.replace, group=group, output=args.output)
        if group.is_main:
            write_bytes(args.output, json.dumps(data).encode())
        group.barrier()  # the journals are kept until the output is written
        for path in journal_files(args.output):
            path.unlink(missing_ok=True)
        if group.is_main:
            print(tr("{count} masks: {file}", count=count, file=args.output))  # noqa: T201 - what the command is for
    except UserError as error:
        if group.is_main:
            print_message(str(error))
        group.barrier()  # until it is printed: torchrun ends them all as soon as one of them has failed
        return 2
    except BrokenPipeError:  # of standard output, not of a file
        raise
    except OSError as error:
        file = error.filename or args.output
        print_message(tr("{file} cannot be used: {reason}.", file=file, reason=error.strerror))
        return 2
    except KeyboardInterrupt:
        if group.is_main:
            print_message(tr("Stopped. The same command goes on from here."))
        return 130
    finally:
        group.destroy()
    return 0


def _prepare(args: argparse.Namespace) -> tuple[dict[str, Any], Segmenter, Path]:
    """Return the file's contents, the model and the folder of the photos, after checking the arguments."""
    check_output(args.output)
    if args.output.exists():
        raise OutputError(tr("{file} exists: name another file with --output.", file=args.output))
    data = load_coco(args.annotations)
    folder = Source(args.annotations, args.images).folder()
    if not folder.is_dir():
        if folder.exists():
            raise DataError(tr("{folder} is not a folder: name the folder of the photos with --images.", folder=folder))
        raise DataError(tr("{folder} does not exist: name the folder of the photos with --images.", folder=folder))
    predictor = load_predictor(args.weights, args.device)
    print_message(predictor.notice)
    if not predictor.has_masks:
        raise WeightsError(tr("{file} makes no masks: choose other weights with --weights.", file=args.weights))
    return data, predictor, folder


def fill(
    predictor: Segmenter,
    data: dict[str, Any],
    source: Source,
    *,
    replace: bool = False,
    group: ProcessGroup | None = None,
    output: Path | None = None,
) -> int:
    """Give the annotations of a COCO file's contents the masks and keypoints that they lack; return how many masks.

    Boxes stay as they are, and so does whatever else the file holds. A category that the model lacks gets the
    mask of the class that fits the box best, and one with other keypoints than the model's gets none. Crowds stay as
    they are, and so do records that cannot be understood. What is left out is printed on standard error. With several
    processes, each gets all of the results.

    Args:
        predictor: A model that makes masks.
        data: From `dataset.coco.reader.load_coco`; changed in place.
        source: The file, with the folder of its photos.
        replace: Whether existing masks and keypoints are replaced.
        group: Processes that share the photos.
        output: Beside it a journal keeps what was made; what an earlier run has left there is not made again.

    Raises:
        DataError: None of the photos can be read.
        OSError: The journal cannot be read or written.
    """
    group = group or ProcessGroup()
    folder = source.folder()
    checked = check_coco(data, "boxes", folder)
    clean = clean_records(checked)
    missing = find_missing_labels(clean, predictor.categories, replace=replace)
    images = [image for image in clean["images"] if image["id"] in missing.of_image]
    if data["images"] and not any(clean["images"]):
        raise unusable_photos(source.annotations, folder, (), option="--images")
    settings = {
        "generator": GENERATOR,
        "weights": predictor.id,
        "annotations": stamp(source.annotations),
        "replace": replace,
    }
    earlier = _earlier(folder, output, settings) if output and group.is_main else {}
    left = left_to_do(images, lambda image: image["file_name"], earlier, group)
    reasons: list[PhotoError] = []
    with ResumeLog(journal_file(output, group), settings) if output else nullcontext() as journal:
        mine: list[dict[str, Any]] = []
        for made in _fill_photos(predictor, folder, shared_photos(left, group), missing, reasons):
            mine.append(made)
            if journal:
                journal.add(made)
    records = [*earlier.values(), *(record for part in group.all_gather(mine) for record in part)]
    if images and not records:
        raise unusable_photos(source.annotations, folder, reasons, option="--images")
    tally = sum((Counter(record["tally"]) for record in records), Counter[str]())
    changes = [(change["number"], change["made"]) for record in records for change in record["annotations"]]
    for number, new in changes:
        record = data["annotations"][number]
        if "annotator" in new and isinstance(record.get("annotator"), dict):
            new["annotator"] = record["annotator"] | new["annotator"]
        record |= new
    _name_keypoints(data, checked, {number for number, new in changes if "keypoints" in new}, predictor)
    if group.is_main:
        _report_problems(checked, missing, source)
        _report(missing, tally)
    return tally["masks"]


def _earlier(folder: Path, output: Path, settings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return by name the records that a run which was stopped left, of photos that are as they were."""
    records = [record for record in read_journals(output, settings) if isinstance(record.get("tally"), dict)]
    return {r["file_name"]: r for r in records if r["stamp"] == stamp(folder / r["file_name"])}


def _fill_photos(
    predictor: Segmenter,
    folder: Path,
    images: Iterable[dict[str, Any]],
    missing: MissingLabels,
    reasons: list[PhotoError],
) -> Iterator[dict[str, Any]]:
    """Yield what is made of each photo; those that cannot be read are told, and `reasons` has why."""
    for image in images:
        name = image["file_name"]
        begin = stamp(folder / name)  # before it is read: what changes meanwhile is made again
        try:
            photo = read_image(folder, image)
        except PhotoError as error:
            print_message(tr("Left out {file}: {reason}", file=name, reason=error))
            reasons.append(error)
            continue
        tally = Counter[str]()
        filled = _fill_photo(predictor, photo, missing.of_image[image["id"]], tally)
        made = [{"number": number, "made": new} for number, new in filled]
        width, height = photo.size
        yield {
            "file_name": name,
            "stamp": begin,
            "width": width,
            "height": height,
            "annotations": made,
            "tally": tally,
        }


def _report_problems(checked: CocoData, missing: MissingLabels, source: Source) -> None:
    """Print what is wrong with the records of the file, and add to `missing` what is counted there."""
    kinds = Counter(problem.kind for problem in checked.problems)
    missing.orphans += kinds["image"]
    missing.empty += kinds["box"]
    counted = ("image", "box", "image_twice", *SIZE_PROBLEMS)
    others = [problem for problem in checked.problems if problem.kind not in counted]
    for text in sentences(others, source.annotations.name):
        print_message(text)


def clean_records(checked: CocoData) -> dict[str, Any]:
    """Return the contents of a file as COCO has them; None stands for an annotation that cannot be understood."""
    return {
        "images": [i.record for i in checked.images if i.problem is None or i.problem.kind in SIZE_PROBLEMS],
        "categories": checked.category_records(),
        "annotations": [None if a.problem else a.record for a in checked.annotations],
    }


def _fill_photo(
    predictor: Segmenter,
    photo: ReducedPhoto,
    labels: list[MissingLabel],
    tally: Counter[str],
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the new fields of a photo's annotations, each with its index in the file, and count them."""
    size = photo.size[::-1]
    inside = [label for label in labels if label.overlaps(size)]
    tally["outside"] += len(labels) - len(inside)
    if not inside:
        return
    predictor.set_image(photo.pixels)
    boxes = np.array([label.box for label in inside], np.float64) / np.tile(photo.scale, 2)
    found = predictor.masks_for_boxes(boxes, [label.category for label in inside])
    for label, instance in zip(inside, found, strict=True):
        made = annotation(instance.enlarged(photo.scale), size)
        new: dict[str, Any] = {}
        if label.keypoints and "keypoints" in made:
            new |= {key: made[key] for key in ("keypoints", "num_keypoints")}
        if label.mask and made["segmentation"] and rle.area(rle.from_coco(made["segmentation"], size)) > 0:
            new |= {key: made[key] for key in ("segmentation", "area", "iscrowd", "annotator") if key in made}
        tally["masks"] += "segmentation" in new
        tally["unseen"] += label.mask and "segmentation" not in new
        yield label.number, new


def _name_keypoints(data: dict[str, Any], checked: CocoData, numbers: set[int], predictor: Segmenter) -> None:
    """Add the keypoints' names and skeleton to the file's categories whose annotations got keypoints."""
    with_points = {checked.annotations[number].record["category_id"] for number in numbers}
    for read, place in zip(checked.category_records(), checked.category_places, strict=True):
        record, category = data["categories"][place], counterpart(read, predictor.categories)
        if read["id"] in with_points and category and not record.get("keypoints"):
            made = to_coco(category)
            record["keypoints"], record["skeleton"] = made["keypoints"], made["skeleton"]


def _report(missing: MissingLabels, tally: Counter[str]) -> None:
    """Print what was left out."""
    if missing.unknown:
        print_message(
            tr(
                "The model does not know {names}: such boxes got the mask of the class that fits best.",
                names=_listed(missing.unknown),
            )
        )
    if missing.other_points:
        text = tr(
            "No keypoints were added to {names}: the file has others than the model.",
            names=_listed(missing.other_points),
        )
        print_message(text)
    if count := tally["outside"] + missing.empty:
        print_message(tr("Boxes left as they are, because they lie outside their photo or have no area: {n}.", n=count))
    if count := missing.orphans:
        print_message(
            tr("Boxes left as they are, because they are on photos that the file does not list: {n}.", n=count)
        )
    if count := tally["unseen"]:
        print_message(tr("Boxes left without a mask, because the model sees nothing in them: {n}.", n=count))


def _listed(names: dict[str, None]) -> str:
    """Return names as text: a file may have hundreds."""
    shown = ", ".join(list(names)[:MAX_NAMES])
    rest = len(names) - MAX_NAMES
    return tr("{names} and {n} more", names=shown, n=rest) if rest > 0 else shown


def main(arguments: Iterable[str] | None = None) -> int:
    """Run the command by itself."""
    parser = argparse.ArgumentParser(
        prog="python -m model.commands.fill_masks", description=(__doc__ or "").splitlines()[0]
    )
    add_arguments(parser)
    return run(parser.parse_args(list(arguments) if arguments is not None else None))


if __name__ == "__main__":
    sys.exit(main())
