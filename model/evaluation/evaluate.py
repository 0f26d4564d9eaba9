"""AP of boxes, masks and keypoints of a model on a COCO file, and the mask IoU of given boxes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dataset import rle
from dataset.coco.categories import counterpart
from dataset.coco.reader import DataError, Source, read_image, unusable_photos
from dataset.i18n import plural, tr
from dataset.masks import rasterize
from dataset.messages import listing
from dataset.pictures.images import PhotoError
from model.console import print_message, shared_photos
from model.data.unreadable_images import UnreadableImages
from model.distributed import ProcessGroup
from model.evaluation.coco_eval import Scores, average_precision, usefulness
from model.evaluation.ground_truth import read_ground_truth
from model.evaluation.keypoint_order import reordered, same_points
from model.inference.coco_results import detection
from model.inference.out_of_memory import chunks, detect_batch

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataset.pictures.images import ReducedPhoto
    from model.inference.instance import Instance
    from model.inference.segmenter import Segmenter

PROMPT_AREA = 32 * 32
"""Objects of this many square pixels or fewer are left out of the box prompt's figure."""


def align(data: dict[str, Any], predictor: Segmenter, file: Path) -> dict[str, Any]:
    """Return what `model.evaluation.ground_truth` read of a COCO file in the model's categories.

    What the model has no counterpart for is left out, keypoints of other names too; those of the same names get the
    model's order. `file` is the COCO file, as the error names it.

    Raises:
        DataError: Nothing is left to measure.
    """
    ids: dict[int, int] = {}
    records: dict[int, dict[str, Any]] = {}
    orders: dict[int, list[int] | None] = {}
    for record in data["categories"]:
        known = counterpart(record, predictor.categories)
        if known is None:
            continue
        ids[record["id"]] = known.id
        kept = records.setdefault(known.id, {"id": known.id, "name": known.name})
        order = orders[record["id"]] = same_points(record.get("keypoints") or (), known.keypoint_names)
        if order:
            kept["keypoints"] = list(known.keypoint_names)
    if not records:
        text = plural(
            "The model does not know the category of {file}, {names}: measure with weights that were trained for it.",
            "The model knows none of the categories of {file}, {names}: measure with weights that were trained for "
            "them.",
            len(data["categories"]),
            file=file,
            names=listing([category["name"] for category in data["categories"]]),
        )
        none = tr("{file} names no categories: there is nothing to measure.", file=file)
        raise DataError(text if data["categories"] else none)
    annotations = []
    for number, old in enumerate((a for a in data["annotations"] if a["category_id"] in ids), 1):
        new: dict[str, Any] = {**old, "id": number, "category_id": ids[old["category_id"]]}
        new = reordered(new, orders[old["category_id"]])
        points = len(records[new["category_id"]].get("keypoints", ()))
        if points and len(new.get("keypoints", ())) != 3 * points:  # another category of the same class of the model
            new |= {"keypoints": [0] * (3 * points), "num_keypoints": 0}
        annotations.append(new)
    return {"images": data["images"], "annotations": annotations, "categories": list(records.values())}


def predict(
    predictor: Segmenter,
    data: dict[str, Any],
    folder: Path,
    *,
    score: float,
    group: ProcessGroup,
    ids: dict[int, int] | None = None,
    on_image: Callable[[int, list[Instance]], None] | None = None,
    missing: UnreadableImages | None = None,
    lines: bool = False,
) -> tuple[list[dict[str, Any]], list[int]]:
    """Run the model on the photos of a COCO file; return COCO's result records and the ids of the photos it read.

    Several processes share the photos, and each returns all results, in the order of the file.

    Args:
        predictor: The model.
        data: The file's contents.
        folder: Where its photos are.
        score: Detections below this score are left out.
        group: Processes that share the photos.
        ids: The file's category for each of the model's that counts; None when they are the same.
        on_image: Called with the id and the instances of each photo that this process has predicted; may raise.
        missing: Collects those that cannot be read.
        lines: Whether progress is shown where there is no terminal, too.
    """
    ids = {c["id"]: c["id"] for c in data["categories"]} if ids is None else ids
    missing = missing or UnreadableImages()
    mine: list[tuple[int, list[dict[str, Any]]]] = []
    for images in chunks(shared_photos(data["images"], group, lines=lines), predictor.batch):
        photos = _readable(folder, images, missing)
        answers = detect_batch(predictor, [photo.pixels for _, photo in photos], print_message, score=score)
        for (number, photo), answer in zip(photos, answers, strict=True):
            kept = [i.enlarged(photo.scale) for i in answer if i.category_id in ids]
            found = [replace(i, category_id=ids[i.category_id]) for i in kept]
            if on_image:
                on_image(number, found)
            width, height = photo.size
            mine.append((number, [_result(instance, number, (height, width)) for instance in found]))
    by_image = dict(pair for part in group.all_gather(mine) for pair in part)
    done = [image["id"] for image in data["images"] if image["id"] in by_image]
    return [result for image in done for result in by_image[image]], done


def _readable(folder: Path, images: list[dict[str, Any]], missing: UnreadableImages) -> list[tuple[int, ReducedPhoto]]:
    """Return the ids of those of the photos that can be read, with what a model is given of them."""
    photos = []
    for image in images:
        try:
            photos.append((image["id"], read_image(folder, image)))
        except PhotoError as error:
            missing.add(folder / image["file_name"], error)
    return photos


def _result(instance: Instance, image: int, size: tuple[int, int]) -> dict[str, Any]:
    """Return what `suggest` writes of an instance as one of COCO's results."""
    record: dict[str, Any] = {"image_id": image, **detection(instance, size)}
    shape = record.pop("segmentation")
    return {**record, "segmentation": rle.from_coco(shape, size)} if shape else record


def box_overlaps(
    predictor: Segmenter,
    data: dict[str, Any],
    source: Source,
    group: ProcessGroup,
    *,
    with_category: bool = False,
) -> list[tuple[int, float]]:
    """Return photo id and mask IoU of every object over PROMPT_AREA whose true box is given to the model.

    Args:
        predictor: The model.
        data: What `model.evaluation.ground_truth` read of a COCO file.
        source: That file, with the folder of its photos.
        group: Processes that share the photos.
        with_category: Whether its category is given, too, in the model's ids (`align`); else the model chooses.

    Raises:
        DataError: None of the photos with such a box can be read.
    """
    folder = source.folder()
    overlaps: list[tuple[int, float]] = []
    reasons: list[PhotoError] = []
    for image in shared_photos(data["images"], group):
        known = [
            a
            for a in data["annotations"]
            if a["image_id"] == image["id"] and not a["iscrowd"] and a["area"] > PROMPT_AREA and a["segmentation"]
        ]
        try:
            photo = read_image(folder, image)
        except PhotoError as error:
            print_message(tr("Left out {file}: {reason}", file=image["file_name"], reason=error))
            reasons.append(error)
            continue
        if not known:
            continue
        predictor.set_image(photo.pixels)
        width, height = photo.size
        boxes = np.array([a["bbox"] for a in known], np.float64)
        boxes[:, 2:] += boxes[:, :2]
        categories = [a["category_id"] for a in known] if with_category else None
        found = predictor.masks_for_boxes(boxes / np.tile(photo.scale, 2), categories)
        for record, instance in zip(known, found, strict=True):
            known_mask = rle.from_coco(record["segmentation"], (height, width))
            found_mask = rasterize(instance.enlarged(photo.scale).polygons, (width, height))
            overlaps.append((image["id"], float(rle.iou([found_mask], [known_mask], [False])[0, 0])))
    overlaps = [value for part in group.all_gather(overlaps) for value in part]
    if not overlaps:
        if reasons and len(reasons) == len(data["images"]):
            raise unusable_photos(source.annotations, folder, reasons, option="--images")
        raise DataError(tr("No photo of {file} has a mask over {n} pixels.", file=source.annotations, n=PROMPT_AREA))
    return overlaps


def box_prompt(predictor: Segmenter, data: dict[str, Any], source: Source, group: ProcessGroup) -> dict[str, float]:
    """Return the number and the mean of what `box_overlaps` finds without the objects' categories."""
    overlaps = [overlap for _, overlap in box_overlaps(predictor, data, source, group)]
    return {"objects": len(overlaps), "mean_iou": float(np.mean(overlaps))}


def evaluate(
    predictor: Segmenter,
    annotations: str | Path,
    images: str | Path | None = None,
    *,
    score: float = 0.05,
    group: ProcessGroup | None = None,
    quiet: bool = False,
) -> Scores:
    """Return a model's figures on a COCO file; what had to be left out of it is told on standard error.

    Args:
        predictor: The model.
        annotations: The COCO file.
        images: Folder of its photos; None looks beside it (see `dataset.coco.reader.Source`).
        score: Detections below this score are left out.
        group: Processes that share the photos; each returns the figures.
        quiet: Do not tell, as it has been told before, nor how far it is.

    Raises:
        DataError: The file cannot be used, or none of its photos can be read.
    """
    group = group or ProcessGroup()
    annotations = Path(annotations)
    folder = Source(annotations, None if images is None else Path(images)).folder()
    whole, told = read_ground_truth(annotations, folder)
    data = align(whole, predictor, annotations)
    if not data["images"]:
        raise DataError(tr("{file} names no photos: there is nothing to measure.", file=annotations))
    left = len(whole["annotations"]) - len(data["annotations"])
    if left:
        told.append(
            tr(
                "{file}: {n} objects are of categories that the model does not know: left out.",
                file=annotations.name,
                n=left,
            )
        )
    if not quiet:
        print_messages(told, group)
    missing = UnreadableImages()
    results, done = predict(predictor, data, folder, score=score, group=group, missing=missing, lines=not quiet)
    if not done:
        raise unusable_photos(annotations, folder, missing.reasons, option="--images")
    scores = Scores()
    kinds = ["box", "mask"] if predictor.has_masks else ["box"]
    kinds += ["keypoints"] if any("keypoints" in c for c in data["categories"]) and _has_keypoints(predictor) else []
    for kind in kinds:
        scores.overall[kind], scores.per_class[kind] = average_precision(data, results, kind, done)
    if "mask" in kinds:
        scores.usefulness = usefulness(data, results, done)
    return scores


def _has_keypoints(predictor: Segmenter) -> bool:
    return any(category.keypoint_names for category in predictor.categories)


def print_messages(messages: list[str], group: ProcessGroup) -> None:
    """Print messages to standard error, once for all processes of a group."""
    for text in messages if group.is_main else ():
        print_message(text)
