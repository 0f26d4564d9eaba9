"""How good detections are: COCO's average precision, and how much work they save a person."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from pycocotools import coco as pycoco
from pycocotools.cocoeval import COCOeval

from dataset import rle

if TYPE_CHECKING:
    from numpy.typing import NDArray

GroundTruth = Any
"""A `pycocotools.coco.COCO`; its stubs know only records that were read from a file."""
KINDS = {"box": "bbox", "mask": "segm", "keypoints": "keypoints"}
"""What is measured, and pycocotools' name for it."""
STATISTICS = {
    "box": ("AP", "AP50", "AP75", "APS", "APM", "APL"),
    "mask": ("AP", "AP50", "AP75", "APS", "APM", "APL"),
    "keypoints": ("AP", "AP50", "AP75", "APM", "APL"),
}
OTHER_SIGMA = 0.067
"""Spread of a keypoint, in parts of the object's scale, for keypoints other than COCO's: the mean of COCO's."""
THRESHOLD_OF = {"AP50": slice(0, 1), "AP75": slice(5, 6)}
"""Where statistics of a single IoU threshold stand among 0.5, 0.55, ... 0.95."""
AREAS = {"box": "ASML", "mask": "ASML", "keypoints": "AML"}
"""Last letters of the statistics of areas, in the order of pycocotools; the first stands for all of them."""
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
AS_IS, FEW_DRAGS = 0.75, 0.5
"""Mask IoU from which a suggestion is accepted as it is, and from which a few drags make it right."""


@dataclass
class Scores:
    """The figures of one evaluation."""

    overall: dict[str, dict[str, float]] = field(default_factory=dict)
    """box, mask, keypoints -> AP, AP50, ...; 0..1, -1 where there is nothing to measure."""
    per_class: dict[str, dict[str, float]] = field(default_factory=dict)
    """box, mask, keypoints -> category name -> AP."""
    usefulness: list[dict[str, float]] = field(default_factory=list)
    """For each threshold: threshold, as_is, few_drags (shares of the true objects; -1 of none), false_per_photo."""


def coco_ground_truth(data: dict[str, Any]) -> GroundTruth:
    """Return pycocotools' view of a COCO file's contents, a `COCO`.

    Annotations are numbered from 1: of two with one id it would take the last one twice, and one with the id 0 is never
    found (`COCOeval` takes 0 for no match).
    """
    coco: GroundTruth = pycoco.COCO()
    coco.dataset = {**data, "annotations": [{**a, "id": n} for n, a in enumerate(data["annotations"], 1)]}
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    return coco


def with_kind(data: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return a COCO file's contents as a kind is measured on them.

    For masks an object that has only a box is a crowd there: a detection of it is neither right nor false.
    """
    if kind != "mask":
        return data
    sizes = {image["id"]: (image["width"], image["height"]) for image in data["images"]}
    annotations = [
        a if a.get("segmentation") else {**a, "iscrowd": 1, "segmentation": _box_ring(a["bbox"], sizes[a["image_id"]])}
        for a in data["annotations"]
    ]
    return {**data, "annotations": annotations}


def _box_ring(box: list[float], size: tuple[int, int]) -> list[list[float]]:
    """Return the polygon of a box (x, y, width, height), as far as it lies in an image of (width, height)."""
    left, right = np.clip((box[0], box[0] + box[2]), 0, size[0]).tolist()
    top, bottom = np.clip((box[1], box[1] + box[3]), 0, size[1]).tolist()
    return [[left, top, right, top, right, bottom, left, bottom]]


def average_precision(
    data: dict[str, Any], results: list[dict[str, Any]], kind: str, images: list[int]
) -> tuple[dict[str, float], dict[str, float]]:
    """Return COCO's statistics of a kind (see KINDS), and the AP of each category by name.

    COCO counts the 100 best detections of each category in a photo, for keypoints the 20 best. In a photo with more
    objects than 100 of a category as many boxes and masks count as there are objects.

    Args:
        data: The truth: a COCO file's contents, see `model.evaluation.ground_truth`.
        results: COCO's result records: image_id, category_id, score, bbox, segmentation as RLE, and keypoints.
        kind: box, mask or keypoints.
        images: Ids of the photos that count.
    """
    name = KINDS[kind]
    needed = {"bbox": "bbox", "segm": "segmentation", "keypoints": "keypoints"}[name]
    records = [{k: r[k] for k in ("image_id", "category_id", "score", needed)} for r in results if needed in r]
    categories = [c for c in data["categories"] if kind != "keypoints" or c.get("keypoints")]
    if not categories:
        return dict.fromkeys(STATISTICS[kind], -1.0), {}
    measured = with_kind(data, kind)
    true = coco_ground_truth(measured)
    with contextlib.redirect_stdout(io.StringIO()):
        make: Any = COCOeval
        found = true.loadRes(records) if records else coco_ground_truth({**data, "annotations": []})
        evaluation = make(true, found, name)
        evaluation.params.imgIds = images
        if kind != "keypoints":
            evaluation.params.maxDets[-1] = max(evaluation.params.maxDets[-1], _max_objects(measured))
        if kind == "keypoints" and len(categories[0]["keypoints"]) != len(evaluation.params.kpt_oks_sigmas):
            # COCO measured how far people differ for its own 17 points only; its mean stands in for others.
            evaluation.params.kpt_oks_sigmas = np.full(len(categories[0]["keypoints"]), OTHER_SIGMA)
        evaluation.params.catIds = [c["id"] for c in categories]
        evaluation.evaluate()
        evaluation.accumulate()
    whole: NDArray[np.float64] = evaluation.eval["precision"][..., -1]  # [IoU, recall, category, area]
    statistics = {
        name: _mean(whole[THRESHOLD_OF.get(name, slice(None)), ..., max(0, AREAS[kind].find(name[-1]))])
        for name in STATISTICS[kind]
    }
    precision = whole[..., 0]
    per_class = {}
    for i, category in enumerate(categories):
        known = precision[:, :, i][precision[:, :, i] > -1]
        per_class[category["name"]] = float(known.mean()) if len(known) else -1.0
    return statistics, per_class


def _max_objects(data: dict[str, Any]) -> int:
    """Return how many objects of one category the fullest photo has."""
    counts = Counter((a["image_id"], a["category_id"]) for a in data["annotations"])
    return max(counts.values(), default=0)


def _mean(precision: NDArray[np.float64]) -> float:
    """Return the mean of what was measured, -1 where nothing was."""
    known = precision[precision > -1]
    return float(known.mean()) if len(known) else -1.0


def usefulness(data: dict[str, Any], results: list[dict[str, Any]], images: list[int]) -> list[dict[str, float]]:
    """Return how often a suggestion helps, at each of THRESHOLDS.

    `as_is` and `few_drags` are the shares of true objects that some suggestion of their category meets with a mask IoU
    of AS_IS and FEW_DRAGS; -1 where no object has a mask. False is a suggestion that meets none with FEW_DRAGS, or only
    one that a better suggestion meets already; those inside a crowd do not count.
    """
    true = coco_ground_truth(with_kind(data, "mask"))
    by_key: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for record in (r for r in results if "segmentation" in r):
        by_key.setdefault((record["image_id"], record["category_id"]), []).append(record)
    rows = []
    for threshold in THRESHOLDS:
        met, near, objects, false = 0, 0, 0, 0
        for image in images:
            for category in true.getCatIds():
                found = [r for r in by_key.get((image, category), []) if r["score"] >= threshold]
                known = true.loadAnns(true.getAnnIds(imgIds=[image], catIds=[category]))
                best, wrong = _meet(true, known, found)
                objects += len(best)
                met += int((best >= AS_IS).sum())
                near += int((best >= FEW_DRAGS).sum())
                false += wrong
        as_is, few_drags = (n / objects if objects else -1.0 for n in (met, near))
        row = {"as_is": as_is, "few_drags": few_drags, "false_per_photo": false / max(1, len(images))}
        rows.append({"threshold": threshold, **row})
    return rows


def _meet(
    true: GroundTruth, known: list[dict[str, Any]], found: list[dict[str, Any]]
) -> tuple[NDArray[np.float64], int]:
    """Return the best IoU of each true object that is no crowd, and how many of the suggestions are false."""
    crowd = np.array([bool(a.get("iscrowd")) for a in known], bool)
    if not found:
        return np.zeros(int((~crowd).sum())), 0
    if not known:
        return np.zeros(0), len(found)
    masks = [true.annToRLE(a) for a in known]
    found = sorted(found, key=lambda r: -r["score"])
    overlap = rle.iou([r["segmentation"] for r in found], masks, crowd.tolist())
    return overlap[:, ~crowd].max(0), take_turns(overlap, crowd, FEW_DRAGS)[1]


def take_turns(overlap: NDArray[np.float64], crowd: NDArray[np.bool_], least: float) -> tuple[NDArray[np.bool_], int]:
    """Let each detection, best first, take the object that it overlaps most of those that are left.

    Args:
        overlap: [D, O] IoU of each detection with each object; O is not 0.
        crowd: [O] which objects are crowds, of which none is taken.
        least: IoU from which one is taken, or lies in a crowd.

    Returns:
        [O] which objects are taken, and how many detections are false: they take none, and do not lie in a crowd.
    """
    false, taken = 0, np.zeros(len(crowd), bool)
    for row in overlap:
        free = np.where(crowd | taken, 0, row)
        if free.max() >= least:
            taken[free.argmax()] = True
        elif not (row[crowd] >= least).any():
            false += 1
    return taken, false
