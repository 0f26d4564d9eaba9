"""The ground truth that a model is measured against: a checked COCO file, because pycocotools checks nothing.

A box that is no number, a photo that is listed twice or a mask of another size would give wrong figures, and a record
without an area a crash. What is wrong with the file as a whole is an error; single records are left out, and reported.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Literal

from dataset import rle
from dataset.coco.checks import Kind, sentences
from dataset.coco.reader import DataError, has_pixels, read_coco, with_numbers
from dataset.i18n import plural, tr

if TYPE_CHECKING:
    from pathlib import Path

LeftOut = Literal[
    "image_twice",
    "image_unclear",
    "image_name",
    "image_size",
    "other_size",
    "record",
    "image",
    "category",
    "fields",
    "numbers",
    "fractions",
    "mask",
]
"""What is reported together."""
TOLD_ONCE = ("category_twice", "keypoint_names", "skeleton", "skeleton_from_0", "image_turned")
SAME_SENTENCE: dict[Kind, LeftOut] = {
    "image_twice": "image_twice",
    "image_unclear": "image_unclear",
    "image_name": "image_name",
    "image_size": "image_size",
    "other_size": "other_size",
    "record": "record",
    "image": "image",
    "category": "category",
    "image_id": "fields",
    "category_id": "fields",
    "box": "fields",
    "box_length": "numbers",
    "box_finite": "numbers",
    "fractions": "fractions",
}


def read_ground_truth(file: Path, folder: Path | None = None) -> tuple[dict[str, Any], list[str]]:
    """Return the contents of a COCO file to measure with, and sentences for people on what had to be left out of it.

    Every annotation has a box, an area, `iscrowd`, and `segmentation`, which is None where there is no usable mask.

    Args:
        file: The COCO file.
        folder: Of its photos, where their names are looked for; None takes the names as they are.

    Raises:
        DataError: The file cannot be read, is not COCO, or none of its annotations can be used.
    """
    data = read_coco(file, "masks", folder)
    points = {category.id: len(category.keypoint_names) for category in data.categories}
    images = {image.record["id"]: image.record for image in data.images if image.problem is None}
    left: Counter[LeftOut] = Counter(SAME_SENTENCE[image.problem.kind] for image in data.images if image.problem)
    annotations = []
    for checked in data.annotations:
        record = checked.record
        if checked.problem or checked.image is None:
            left[SAME_SENTENCE[checked.problem.kind] if checked.problem else "image"] += 1
        elif checked.image["id"] in images:
            complete = _complete(record, checked.image, points[record["category_id"]])
            if checked.damage and not complete["segmentation"]:
                left["mask"] += 1
            annotations.append(complete)
    told = sentences((p for p in data.problems if p.kind in TOLD_ONCE), file.name)
    told += [_sentence(what, n, file.name) for what, n in left.items()]
    if data.annotations and not annotations:
        text = tr("None of the annotations of {file} can be used. {reason}", file=file, reason=told[-1])
        raise DataError(text)
    clean = {"images": list(images.values()), "annotations": annotations, "categories": data.category_records()}
    return with_numbers({**data.contents, **clean}), told


def _sentence(what: LeftOut, n: int, file: str) -> str:
    """Return what is left out `n` times of a file, as a sentence for people."""
    return {
        "image_twice": plural(
            "{file}: a photo is listed more than once: it counts once.",
            "{file}: a photo is listed more than once: it counts once ({n} times).",
            n,
            file=file,
        ),
        "image_unclear": plural(
            "{file}: a record has an id that several photos have and is left out.",
            "{file}: a record has an id that several photos have and is left out ({n} times).",
            n,
            file=file,
        ),
        "image_name": plural(
            "{file}: a file name may mean several photos, or none, and is left out.",
            "{file}: a file name may mean several photos, or none, and is left out ({n} times).",
            n,
            file=file,
        ),
        "image_size": plural(
            "{file}: a photo has no size and is left out.",
            "{file}: a photo has no size and is left out ({n} times).",
            n,
            file=file,
        ),
        "other_size": plural(
            "{file}: a photo has another size than the file says and is left out; `rescale` brings annotations to the "
            "sizes that photos have.",
            "{file}: a photo has another size than the file says and is left out ({n} times); `rescale` brings "
            "annotations to the sizes that photos have.",
            n,
            file=file,
        ),
        "record": plural(
            "{file}: an annotation is no record and is left out.",
            "{file}: an annotation is no record and is left out ({n} times).",
            n,
            file=file,
        ),
        "image": plural(
            "{file}: an annotation is of no photo of the file and is left out.",
            "{file}: an annotation is of no photo of the file and is left out ({n} times).",
            n,
            file=file,
        ),
        "category": plural(
            "{file}: an annotation is of no category of the file and is left out.",
            "{file}: an annotation is of no category of the file and is left out ({n} times).",
            n,
            file=file,
        ),
        "fields": plural(
            "{file}: an annotation has no photo, category or box and is left out.",
            "{file}: an annotation has no photo, category or box and is left out ({n} times).",
            n,
            file=file,
        ),
        "numbers": plural(
            "{file}: an annotation has no box of four numbers and is left out.",
            "{file}: an annotation has no box of four numbers and is left out ({n} times).",
            n,
            file=file,
        ),
        "fractions": plural(
            "{file}: an annotation is in fractions of the photo, not in pixels, and is left out.",
            "{file}: an annotation is in fractions of the photo, not in pixels, and is left out ({n} times).",
            n,
            file=file,
        ),
        "mask": plural(
            "{file}: an annotation has no usable mask: only its box counts.",
            "{file}: an annotation has no usable mask: only its box counts ({n} times).",
            n,
            file=file,
        ),
    }[what]


def _complete(record: dict[str, Any], image: dict[str, Any], points: int) -> dict[str, Any]:
    size = (image["width"], image["height"])
    shape = record.get("segmentation")
    shape = shape if has_pixels(shape, size) else None
    area = record.get("area")
    if area is None:
        area = rle.area(rle.from_coco(shape, size[::-1])) if shape else record["bbox"][2] * record["bbox"][3]
    new = {**record, "area": area, "iscrowd": record.get("iscrowd", 0), "segmentation": shape}
    if points:
        new["keypoints"] = record.get("keypoints") or [0] * (3 * points)
        new["num_keypoints"] = sum(v > 0 for v in new["keypoints"][2::3])
    return new
