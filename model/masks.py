"""Gives the boxes of a COCO file masks, and persons keypoints: a detection data set becomes a segmentation one."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from model.categories import counterpart
from model.checkpoint import write_bytes
from model.dataset import DataError, Source, read_coco, read_image
from model.pair import make_predictor
from model.photo import PhotoError
from model.predict import DeviceError
from model.results import annotation
from model.team import Team, join, leave
from model.weights import WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from model.pair import Pair
    from model.predict import Instance, Predictor


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("annotations", type=Path, metavar="ANNOTATIONS", help="COCO file with boxes")
    add("--images", type=Path, metavar="DIR", help="folder of the photos (default: `images` beside the file)")
    add("--output", type=Path, required=True, metavar="FILE", help="COCO file to write")
    add("--weights", default="builtin", metavar="NAME|FILE", help="builtin, coco, or a checkpoint (default: builtin)")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to compute (default: auto)")
    add("--replace", action="store_true", help="also redo the masks and keypoints that the file has")


def run(args: argparse.Namespace) -> int:
    """Do the command. Return 0, or 2 with one sentence on standard error, or 130 when stopped by Ctrl+C."""
    if args.output.exists():
        tqdm.write(f"{args.output} exists: name another file with --output.", file=sys.stderr)
        return 2
    team = join(args.device)
    try:
        data = read_coco(args.annotations)
        predictor = make_predictor(args.weights, args.device)
        folder = Source(args.annotations, args.images).folder()
        count = fill(predictor, data, folder, replace=args.replace, team=team)
        if team.leads:
            write_bytes(args.output, json.dumps(data).encode())
    except (DataError, WeightsError, DeviceError) as error:
        tqdm.write(str(error), file=sys.stderr)
        return 2
    except OSError as error:
        tqdm.write(f"{args.output} cannot be written: {error.strerror}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    finally:
        leave(team)
    if team.leads:
        print(f"{count} masks: {args.output}")  # noqa: T201 - what the command is for
    return 0


def fill(
    predictor: Predictor | Pair,
    data: dict[str, Any],
    folder: Path,
    *,
    replace: bool = False,
    team: Team | None = None,
) -> int:
    """Give the annotations of a COCO file's contents the masks and keypoints that they lack; return how many masks.

    Boxes stay as they are, and so does whatever else the file holds. A category that the model does not know gets the
    mask of the class that fits the box best. Crowds are left alone. A team shares the photos out, and each of its
    processes ends with all of the results.

    Raises:
        DataError: A record is not as COCO has it.
    """
    team = team or Team()
    changed: list[tuple[int, dict[str, Any]]] = []
    try:
        means = {record["id"]: counterpart(record, predictor.categories) for record in data["categories"]}
        wanting: dict[int, list[dict[str, Any]]] = {}
        place: dict[int, int] = {}
        for number, record in enumerate(data["annotations"]):
            lacks = replace or not record.get("segmentation")
            if lacks and not record.get("iscrowd") and min(record["bbox"][2:]) > 0:
                wanting.setdefault(record["image_id"], []).append(record)
                place[id(record)] = number
        count = 0
        silent = not (team.leads and sys.stderr.isatty())
        for image in tqdm(team.share(data["images"]), unit="photo", disable=silent):
            records = wanting.get(image["id"], [])
            if not records:
                continue
            try:
                photo = read_image(folder, image)
            except PhotoError as error:
                tqdm.write(f"Left out {image['file_name']}: {error}", file=sys.stderr)
                continue
            predictor.set_image(photo)
            known = [means.get(r["category_id"]) for r in records]
            boxes = np.array([r["bbox"] for r in records], np.float64).reshape(-1, 4)
            boxes[:, 2:] += boxes[:, :2]
            found = predictor.masks_for_boxes(boxes, [c.id if c else None for c in known])
            for record, category, instance in zip(records, known, found, strict=True):
                size = (photo.shape[0], photo.shape[1])
                count += _merge(record, instance, size, with_points=category is not None, replace=replace)
                changed.append((place[id(record)], record))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"The file is not a proper COCO file: {error!r}.") from None
    for number, record in (pair for part in team.gather(changed) for pair in part):
        data["annotations"][number] = record
    _name_keypoints(data, predictor)
    return sum(count for (count,) in team.gather([count]))


def _merge(
    record: dict[str, Any], instance: Instance, size: tuple[int, int], *, with_points: bool, replace: bool
) -> int:
    """Add mask and keypoints to a record; return whether there is a mask, 1 or 0."""
    made = annotation(instance, size)
    if with_points and "keypoints" in made and (replace or not any(record.get("keypoints") or [])):
        record["keypoints"], record["num_keypoints"] = made["keypoints"], made["num_keypoints"]
    if not instance.polygons:
        return 0
    record["segmentation"], record["area"] = made["segmentation"], made["area"]
    record.setdefault("iscrowd", 0)
    return 1


def _name_keypoints(data: dict[str, Any], predictor: Predictor | Pair) -> None:
    """Say in the file's categories what the keypoints are, where it did not."""
    with_points = {r["category_id"] for r in data["annotations"] if r.get("keypoints")}
    for record in data["categories"]:
        category = counterpart(record, predictor.categories)
        if record["id"] in with_points and category and category.keypoints and not record.get("keypoints"):
            record["keypoints"] = list(category.keypoints)
            record["skeleton"] = [list(edge) for edge in category.skeleton]


def main(arguments: Iterable[str] | None = None) -> int:
    """Run the command by itself."""
    parser = argparse.ArgumentParser(prog="python -m model.masks", description=(__doc__ or "").splitlines()[0])
    add_arguments(parser)
    return run(parser.parse_args(list(arguments) if arguments is not None else None))


if __name__ == "__main__":
    sys.exit(main())
