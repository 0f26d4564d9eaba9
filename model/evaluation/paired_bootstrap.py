"""Whether a model is better than another on so few photos: average precision, paired over resampled photos.

The precision of each is computed as pycocotools does it, over objects of any size and all detections of a photo.
How sure the difference is follows from the bootstrap (Efron and Tibshirani, *An Introduction to the Bootstrap*,
1993): photos are drawn anew, with replacement, the same ones for both models, and the difference is taken again.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pycocotools.cocoeval import COCOeval

from dataset.i18n import plural, tr
from model.evaluation.coco_eval import KINDS, OTHER_SIGMA, coco_ground_truth, with_kind
from model.protocol import Difference

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_DETECTIONS = 1000
"""Detections of a photo that count."""
DRAWS = 1000
RECALLS = np.linspace(0, 1, 101)
SURE = 0.9
"""Share of the draws in which a model must be better for it to be put in use without a question."""
SMALL = 0.1
"""AP of which three digits are told."""
WORSE = 0.02
"""Keypoint AP that a better mask AP may cost."""


@dataclass(frozen=True)
class Matches:
    """How the detections of one category met the truth, photo by photo. T is the number of IoU thresholds."""

    scores: NDArray[np.float64]  # [D] descending
    photo: NDArray[np.int64]  # [D] index of the photo of each detection
    right: NDArray[np.bool_]  # [T, D]
    counts: NDArray[np.bool_]  # [T, D] whether it counts: not where it lies in a crowd
    objects: NDArray[np.int64]  # [photos]


def match_detections(data: dict[str, Any], results: list[dict[str, Any]], kind: str) -> list[Matches]:
    """Return how COCO's result records met the contents of a COCO file, for each category that it has objects of.

    Args:
        data: The truth.
        results: See `model.evaluation.coco_eval.average_precision`.
        kind: One of `model.evaluation.coco_eval.KINDS`.
    """
    name = KINDS[kind]
    field = {"bbox": "bbox", "segm": "segmentation", "keypoints": "keypoints"}[name]
    true = coco_ground_truth(_complete(data, kind))
    images = [image["id"] for image in data["images"]]
    records = [{k: r[k] for k in ("image_id", "category_id", "score", field)} for r in results if field in r]
    categories = [c for c in data["categories"] if kind != "keypoints" or c.get("keypoints")]
    if not categories or not images:
        return []
    with contextlib.redirect_stdout(io.StringIO()):
        make: Any = COCOeval
        found = true.loadRes(records) if records else coco_ground_truth({**data, "annotations": []})
        evaluation = make(true, found, name)
        settings = evaluation.params
        settings.imgIds, settings.catIds = images, [c["id"] for c in categories]
        settings.maxDets, settings.areaRng, settings.areaRngLbl = [MAX_DETECTIONS], [[0, 1e10]], ["all"]
        if kind == "keypoints" and len(categories[0]["keypoints"]) != len(settings.kpt_oks_sigmas):
            settings.kpt_oks_sigmas = np.full(len(categories[0]["keypoints"]), OTHER_SIGMA)
        evaluation.evaluate()
    per_category = [evaluation.evalImgs[i : i + len(images)] for i in range(0, len(evaluation.evalImgs), len(images))]
    order = {image: i for i, image in enumerate(settings.imgIds)}
    return [m for m in (_joined(entries, order, len(settings.iouThrs)) for entries in per_category) if m.objects.any()]


def _complete(data: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return the truth with the fields that pycocotools needs, of the objects that it can measure a kind on."""
    points = {c["id"]: len(c.get("keypoints") or ()) for c in data["categories"]}
    kept = []
    for number, record in enumerate(with_kind(data, kind)["annotations"], 1):
        new = {**record, "id": number, "iscrowd": int(record.get("iscrowd", 0))}
        new["area"] = record.get("area") or record["bbox"][2] * record["bbox"][3]
        if kind == "keypoints":
            # Without any it is no object to find, and a detection of it is not false.
            new["keypoints"] = record.get("keypoints") or [0] * (3 * points.get(record["category_id"], 0))
            new["num_keypoints"] = sum(v > 0 for v in new["keypoints"][2::3])
            if not new["keypoints"]:
                continue
        kept.append(new)
    return {**data, "annotations": kept}


def _joined(entries: list[dict[str, Any] | None], order: dict[int, int], thresholds: int) -> Matches:
    scores, photo, right, counts = [], [], [], []
    objects = np.zeros(len(order), np.int64)
    for entry in entries:
        if entry is None:
            continue
        place = order[entry["image_id"]]
        objects[place] = int((np.asarray(entry["gtIgnore"]) == 0).sum())
        found = np.asarray(entry["dtMatches"]).reshape(thresholds, -1)
        ignored = np.asarray(entry["dtIgnore"]).astype(bool).reshape(thresholds, -1)
        scores.append(np.asarray(entry["dtScores"], np.float64))
        photo.append(np.full(found.shape[1], place))
        right.append(found > 0)
        counts.append(~ignored)
    if not scores:
        empty = np.zeros((thresholds, 0), bool)
        return Matches(np.zeros(0), np.zeros(0, np.int64), empty, empty, objects)
    joined = np.concatenate(scores)
    rank = np.argsort(-joined, kind="mergesort")  # pycocotools' own choice: ties stay in the order of the photos
    return Matches(
        joined[rank],
        np.concatenate(photo)[rank],
        np.concatenate(right, 1)[:, rank],
        np.concatenate(counts, 1)[:, rank],
        objects,
    )


def precision(matches: list[Matches], weights: NDArray[np.float64]) -> float:
    """Return the average precision 0..1 when each photo counts as often as `weights` [photos] say; -1 without truth."""
    found = []
    for one in matches:
        objects = float((one.objects * weights).sum())
        if objects == 0:
            continue
        times = weights[one.photo]
        right = np.cumsum(one.right * one.counts * times, 1)
        wrong = np.cumsum(~one.right * one.counts * times, 1)
        exact = right / np.maximum(right + wrong, np.spacing(1))
        best = np.maximum.accumulate(exact[:, ::-1], 1)[:, ::-1]  # at this recall or a greater one
        place = np.stack([np.searchsorted(row, RECALLS, side="left") for row in right / objects])  # [T, 101]
        beyond = np.pad(best, ((0, 0), (0, 1)))  # a recall that is not reached has a precision of 0
        found.append(float(np.take_along_axis(beyond, place, 1).mean()))
    return float(np.mean(found)) if found else -1.0


@dataclass(frozen=True)
class PairedDifference:
    """Two models on the same photos."""

    before: float
    after: float
    low: float
    """Between low and high lies the difference in 95 of 100 draws."""
    high: float
    sure: float
    """Share of the draws in which the second one is better."""
    photos: int

    def record(self) -> Difference:
        """Return it as part of a `result` event, rounded."""
        change = self.after - self.before
        before, after, change, low, high = (round(v, 4) for v in (self.before, self.after, change, self.low, self.high))
        return Difference(before, after, change, low, high, self.photos)


def difference(before: list[Matches], after: list[Matches], photos: int, *, seed: int = 0) -> PairedDifference | None:
    """Return how the second one's precision differs, or None where there is nothing to measure."""
    plain = np.ones(photos)
    first, second = precision(before, plain), precision(after, plain)
    if first < 0 or second < 0:
        return None
    random = np.random.default_rng(seed)
    drawn = []
    for _ in range(DRAWS):
        weights = np.bincount(random.integers(0, photos, photos), minlength=photos).astype(np.float64)
        pair = precision(before, weights), precision(after, weights)
        if min(pair) >= 0:
            drawn.append(pair[1] - pair[0])
    if not drawn:
        return PairedDifference(first, second, -1.0, 1.0, 0.0, photos)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return PairedDifference(first, second, float(low), float(high), float(np.mean(np.array(drawn) > 0)), photos)


def is_better(masks: PairedDifference | None, keypoints: PairedDifference | None) -> bool:
    """Return whether the second model is put in use without asking: surely better masks, no worse keypoints."""
    if masks is None or not (masks.after > masks.before and masks.sure >= SURE):
        return False
    return keypoints is None or keypoints.after >= keypoints.before - WORSE


def describe(
    masks: PairedDifference | None,
    keypoints: PairedDifference | None,
    *,
    outlines: bool = True,
    is_fair: bool = True,
) -> str:
    """Return the comparison in words, with how unsure it is.

    Args:
        masks: How the masks differ, where that can be measured.
        keypoints: As above.
        outlines: Whether any of the labels has one.
        is_fair: Whether the first model, too, has learned from none of the photos.
    """
    if masks is None and not outlines:
        return tr("None of the labels to measure with has an outline: look at the new model's suggestions.")
    if masks is None:
        return tr(
            "There are too few labelled photos to measure whether the new model is better: look at its suggestions."
        )
    change = masks.after - masks.before
    digits = 2 if max(masks.before, masks.after) >= SMALL else 3
    before, after, low, high = (round(v, digits) + 0.0 for v in (masks.before, masks.after, masks.low, masks.high))
    numbers = plural(
        "Masks on {n} photo that it has not learned from: AP {before} before, {after} after.",
        "Masks on {n} photos that it has not learned from: AP {before} before, {after} after.",
        masks.photos,
        before=f"{before:.{digits}f}",
        after=f"{after:.{digits}f}",
    )
    span = {"low": f"{low:+.{digits}f}", "high": f"{high:+.{digits}f}"}
    if change > 0 and masks.sure >= SURE:
        verdict = tr("The new model is better.")
        limits = tr("With so few photos the true gain may lie between {low} and {high}.", **span)
    elif change < 0 and masks.sure <= 1 - SURE:
        verdict = tr("The new model is worse.")
        limits = tr("The true difference may lie between {low} and {high}.", **span)
    else:
        verdict = tr("The new model is not surely better.")
        limits = tr("The true difference may lie between {low} and {high}.", **span)
    text = f"{verdict} {numbers} {limits}"
    if keypoints is not None:
        points = tr(
            "Keypoints: AP {before:.2f} before, {after:.2f} after.", before=keypoints.before, after=keypoints.after
        )
        text += f" {points}"
    if not is_fair:
        text += " " + tr("The model before has learned from these photos: it looks better here than it is.")
    return text


def agreement_sentence(shares: dict[str, float]) -> str:
    """Return in words how much a model sees of what its parent does in classes that nobody labelled; it may be empty.

    Args:
        shares: By class, see `model.finetuning.run_validation.Validator.agreement`.
    """
    if not shares:
        return ""
    parts = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
    return tr(
        "Of classes without labels here, the new model and the one before see the same: {classes}.", classes=parts
    )
