"""How sure a difference of two AP is: photos and seeds are drawn again and again from those there are."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from pycocotools.cocoeval import COCOeval

from model.evaluation.coco_eval import KINDS, OTHER_SIGMA, GroundTruth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

RECALLS = np.linspace(0, 1, 101)
"""Where COCO reads the precision off."""
IOUS = 10
"""COCO's thresholds, 0.5 to 0.95."""


@dataclass(frozen=True)
class ScoredMatches:
    """Which detections met an object: enough to compute AP over any choice of the photos. D detections, P photos."""

    category: NDArray[np.int64]  # [D] index
    photo: NDArray[np.int64]  # [D] index
    score: NDArray[np.float64]  # [D], descending
    hit: NDArray[np.bool_]  # [D, IOUS]
    ignored: NDArray[np.bool_]  # [D, IOUS]
    objects: NDArray[np.int64]  # [categories, P] objects that are to be found

    @property
    def photos(self) -> int:
        """P."""
        return self.objects.shape[1]

    def value(self, times: NDArray[np.floating]) -> float:
        """Return COCO's AP 0..1 when each photo counts so many `times` [P]."""
        return precision(self, times)

    def as_json(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        bits = 1 << np.arange(IOUS)
        return {
            "category": self.category.tolist(),
            "photo": self.photo.tolist(),
            "score": [round(s, 6) for s in self.score.tolist()],
            "hit": (self.hit @ bits).tolist(),
            "ignored": (self.ignored @ bits).tolist(),
            "objects": self.objects.tolist(),
        }


@dataclass(frozen=True)
class PhotoMeans:
    """A figure of objects by the photos they are in: enough to compute its mean over any choice of those. P photos."""

    total: NDArray[np.float64]  # [P] sum over a photo's objects
    count: NDArray[np.int64]  # [P] of those

    @property
    def photos(self) -> int:
        """P."""
        return len(self.total)

    def value(self, times: NDArray[np.floating]) -> float:
        """Return the mean over the objects when each photo counts so many `times` [P]."""
        return float((self.total * times).sum() / max(1.0, float((self.count * times).sum())))


class Figure(Protocol):
    """What a run was measured by, in parts that can be weighed anew."""

    @property
    def photos(self) -> int:
        """How many there are."""

    def value(self, times: NDArray[np.floating]) -> float:
        """Return the figure, 0..1, when each photo counts so many `times` [photos]."""


def from_json(values: dict[str, Any]) -> ScoredMatches:
    """Return what `as_json` wrote."""
    bits = np.arange(IOUS)
    hit, ignored = (np.array(values[name], np.int64)[:, None] >> bits & 1 for name in ("hit", "ignored"))
    return ScoredMatches(
        np.array(values["category"], np.int64),
        np.array(values["photo"], np.int64),
        np.array(values["score"], np.float64),
        hit.astype(bool),
        ignored.astype(bool),
        np.array(values["objects"], np.int64),
    )


def matches(true: GroundTruth, results: list[dict[str, Any]], kind: str, photos: list[int]) -> ScoredMatches:
    """Let pycocotools match detections to objects.

    Args:
        true: See `model.evaluation.coco_eval.coco_ground_truth`.
        results: COCO's result records.
        kind: box, mask or keypoints.
        photos: Ids of the photos that count.
    """
    needed = {"box": "bbox", "mask": "segmentation", "keypoints": "keypoints"}[kind]
    records = [{k: r[k] for k in ("image_id", "category_id", "score", needed)} for r in results if needed in r]
    categories = [c["id"] for c in true.loadCats(true.getCatIds()) if kind != "keypoints" or c.get("keypoints")]
    objects = np.zeros((len(categories), len(photos)), np.int64)
    none = np.zeros((0, IOUS), bool)
    if not records:
        index = np.zeros(0, np.int64)
        for c, category in enumerate(categories):
            for p, photo in enumerate(photos):
                ids = true.getAnnIds(imgIds=[photo], catIds=[category], iscrowd=False)
                objects[c, p] = len(ids)
        return ScoredMatches(index, index, np.zeros(0), none, none, objects)
    with contextlib.redirect_stdout(io.StringIO()):
        make: Any = COCOeval
        evaluation = make(true, true.loadRes(records), KINDS[kind])
        evaluation.params.imgIds = photos
        evaluation.params.catIds = categories
        evaluation.params.areaRng = evaluation.params.areaRng[:1]
        evaluation.params.areaRngLbl = evaluation.params.areaRngLbl[:1]
        evaluation.params.maxDets = evaluation.params.maxDets[-1:]
        points = len(true.loadCats(categories)[0].get("keypoints", ()))
        if kind == "keypoints" and points != len(evaluation.params.kpt_oks_sigmas):
            evaluation.params.kpt_oks_sigmas = np.full(points, OTHER_SIGMA)
        evaluation.evaluate()
    parts: list[tuple[int, int, Any]] = []
    for c in range(len(categories)):
        for p in range(len(photos)):
            found = evaluation.evalImgs[c * len(photos) + p]
            if found is None:
                continue
            objects[c, p] = int((~np.array(found["gtIgnore"], bool)).sum())
            parts.append((c, p, found))
    count = [len(found["dtScores"]) for _, _, found in parts]
    score = np.concatenate([np.array(found["dtScores"], np.float64) for _, _, found in parts])
    hit = np.concatenate([np.array(found["dtMatches"]).reshape(IOUS, -1).T > 0 for _, _, found in parts])
    ignored = np.concatenate([np.array(found["dtIgnore"], bool).reshape(IOUS, -1).T for _, _, found in parts])
    order = np.argsort(-score, kind="mergesort")
    category = np.repeat([c for c, _, _ in parts], count)[order]
    photo = np.repeat([p for _, p, _ in parts], count)[order]
    return ScoredMatches(category, photo, score[order], hit[order], ignored[order], objects)


def precision(found: ScoredMatches, weights: NDArray[np.floating] | None = None) -> float:
    """Return COCO's AP 0..1 when each photo counts `weights` [P] times; -1 where there is nothing to find."""
    times = np.ones(found.objects.shape[1]) if weights is None else weights
    values = []
    for c, objects in enumerate(found.objects):
        wanted = float((objects * times).sum())
        if wanted == 0:
            continue
        own = found.category == c
        if not own.any():
            values.append(0.0)
            continue
        counts = times[found.photo[own]][:, None] * ~found.ignored[own]
        true = np.cumsum(counts * found.hit[own], 0)
        false = np.cumsum(counts * ~found.hit[own], 0)
        exact = true / np.maximum(true + false, np.spacing(1))
        exact = np.maximum.accumulate(exact[::-1])[::-1]
        recall = true / wanted
        at = np.stack([np.searchsorted(recall[:, t], RECALLS) for t in range(IOUS)], 1)  # [101, IOUS]
        read = np.take_along_axis(exact, np.minimum(at, len(exact) - 1), 0)
        values.append(float(np.where(at < len(exact), read, 0).mean()))
    return float(np.mean(values)) if values else -1.0


@dataclass(frozen=True)
class Resampled:
    """A figure of some networks over the same draws of photos, seeds drawn anew for each."""

    draws: NDArray[np.float64]  # [networks, draws]

    def share(self, order: Sequence[tuple[int, int]]) -> float:
        """Return the share of the draws in which each pair (better, worse) comes out so; a tie counts half."""
        holds = np.ones(self.draws.shape[1])
        for better, worse in order:
            difference = self.draws[better] - self.draws[worse]
            holds *= np.where(difference > 0, 1.0, np.where(difference == 0, 0.5, 0.0))
        return float(holds.mean())

    def interval(self, better: int, worse: int) -> tuple[float, float]:
        """Return the middle 95% of the differences."""
        low, high = np.quantile(self.draws[better] - self.draws[worse], (0.025, 0.975))
        return float(low), float(high)


def resample(networks: Sequence[Sequence[Figure]], draws: int, seed: int = 0) -> Resampled:
    """Draw photos and seeds with replacement; the photos of a draw are the same for all networks.

    Args:
        networks: For each network what its runs were measured by, one a seed, all over the same photos.
        draws: How often.
        seed: Of the draws.
    """
    random = np.random.default_rng(seed)
    photos = networks[0][0].photos
    found = np.empty((len(networks), draws))
    for d in range(draws):
        times = np.bincount(random.integers(photos, size=photos), minlength=photos).astype(np.float64)
        for n, runs in enumerate(networks):
            chosen = np.bincount(random.integers(len(runs), size=len(runs)), minlength=len(runs))
            values = [count * run.value(times) for run, count in zip(runs, chosen, strict=True) if count]
            found[n, d] = sum(values) / len(runs)
    return Resampled(found)
