"""From clicks on an object to its outline.

What the model can imagine at the first click is weighed: each object by its rank there, then by how well its mask
agrees with the other clicks. The weighted mean of the masks is the prior of a Gaussian process over the logits of the
cells (Rasmussen and Williams, *Gaussian Processes for Machine Learning*, 2006, sec. 2.2), which every click observes:
what is near a click, and like it to the backbone, goes with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from dataset.geometry import from_parts
from dataset.simplify import without_spikes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely import MultiPolygon

    from model.inference.likely_objects import LikelyObject
    from model.inference.segmenter import Segmenter

# SHARP, TRUST, REACH, UNLIKE, DECIDED and NOISE were chosen on 204 objects of COCO's train photos, one after the other.
SURE, SMALL = 0.3, 0.15
"""What the logarithms of score and area count in an object's rank."""
TOUCHED = 0.3
"""Least probability that its mask has at the first click of an object that may be meant."""
SAME = 0.8
"""IoU from which an object says nothing that a better one has not said."""
TURNS = 8
"""Objects at most that a place is said to mean, one after the other: nobody looks through thirty."""
SHARP = 3.0
"""What a rank counts in the logarithm of a weight: the more, the more the best object counts alone."""
TRUST, LEAST = 0.6, 0.02
"""What the logarithm of a mask's probability at each further click counts in that, and the least probability."""
COUNTS = 0.02
"""Weight below which an object is left out."""
CELLS = 112
"""Cells along a side of the window that is decided over."""
AROUND = 0.25
"""How far it reaches beyond what is likely and what was clicked, in sides of that."""
ALONE = 0.15
"""Half its side where no object is likely, in shorter sides of the photo."""
BLIND = 0.1
"""Share of the window that an object is taken to fill where none is likely."""
REACH = 0.8
"""Distance at which a click's say has fallen to 0.6, in square roots of the likely object's area."""
UNLIKE = 0.6
"""By how much less alike to a click a place is where its say has fallen to a third."""
DECIDED = 2.5
"""Logit that a click's own place has at least, on its side."""
NOISE = 0.05
"""Variance of what a click says, where that of the logits is 1."""
THIN = 0.7
"""Cells to either side of what is a spike or a slit: the fit to the photo's edges leaves such where it is undecided."""
STEEP = 3.0
"""What the logits are multiplied by at the end: the fit to the photo's edges averages, which would melt unsure ones."""
UNSURE = 0.01
"""Probability of a cell at least, and at most short of 1, before the clicks count."""


@dataclass(frozen=True, slots=True)
class Click:
    """A place in the photo that belongs to the object, or does not."""

    x: float
    y: float
    is_object: bool = True


@dataclass(frozen=True, slots=True)
class PointResult:
    """The object that clicks mean."""

    shape: MultiPolygon
    category_id: int | None
    """The model's class; None where no object of the model was there, but only what is like the clicks."""
    alternatives: int
    """Number of objects that the first click may mean."""


class _Window(NamedTuple):
    """A part of the photo, xyxy, in cells."""

    box: NDArray[np.float32]
    step: NDArray[np.float32]  # pixels along a cell

    def cells(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the x [CELLS] and the y [CELLS] of the cells' middles in the photo."""
        middles = (np.arange(CELLS, dtype=np.float32) + 0.5)[:, None] * self.step + self.box[:2]
        return middles[:, 0], middles[:, 1]


def outline_at(predictor: Segmenter, clicks: Sequence[Click], turn: int = 0) -> PointResult | None:
    """Return the object that clicks mean, or None.

    Args:
        predictor: A model whose current image is the photo.
        clicks: In pixels of the photo, in their order; the first is on the object.
        turn: Which of the objects at the first click is meant, from the best on; the last is what is only like the
            click, and after it the first comes again.
    """
    first = clicks[0]
    objects = [o for o in predictor.objects_at(first.x, first.y) if _probability(o, first) >= TOUCHED]
    objects.sort(key=lambda o: _rank(o, first), reverse=True)
    groups = _alike(objects)
    count = min(len(groups), TURNS)
    place = turn % (count + 1)
    meant = [o for group in groups[place:] for o in group] if place < count else []
    weights = _weights(meant, clicks)
    counted = [(o, weight) for o, weight in zip(meant, weights.tolist(), strict=True) if weight >= COUNTS]
    window = _window(predictor.image_size, [o.box for o, _ in counted], clicks)
    prior = np.zeros((CELLS, CELLS), np.float32)
    for candidate, weight in counted:
        prior += weight * _on_grid(candidate.mask, candidate.box, window.box, CELLS)
    mask = _observed(predictor, prior, window, clicks)
    fitted = from_parts(predictor.outline_of(mask, window.box))
    height, width = predictor.image_size
    shape = without_spikes(fitted, THIN * float(window.step.mean()), (width, height))
    if shape.is_empty:
        return None
    best = max(counted, key=lambda pair: pair[1], default=None)
    return PointResult(shape, best[0].category_id if best else None, count + 1)


def _rank(candidate: LikelyObject, click: Click) -> float:
    """Return how likely a click means an object: sure, small, and clicked where it is thick.

    On 613 objects of COCO's train photos the first one has a mean IoU of 0.56, and the best of all 0.64; six more
    features and weights that were fitted gain 0.01.
    """
    inside = np.pad(candidate.mask > 0.5, 1).astype(np.uint8)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
    column, row = _cell(candidate, click)
    here = depth[round(row) + 1, round(column) + 1] / max(float(depth.max()), 1.0)
    area = float(inside.sum()) * float(np.prod((candidate.box[2:] - candidate.box[:2]) / len(candidate.mask)))
    sure = SURE * np.log(max(candidate.score, 1e-6))
    return float(sure + np.log(here + 0.05) - SMALL * np.log(max(area, 1.0)))


def _cell(candidate: LikelyObject, click: Click) -> tuple[float, float]:
    """Return the place of a click in an object's mask: column and row, 0 in the middle of the first cell."""
    side = len(candidate.mask)
    span = np.maximum(candidate.box[2:] - candidate.box[:2], 1e-6)
    at = (np.array((click.x, click.y)) - candidate.box[:2]) / span * side - 0.5
    column, row = np.clip(at, 0, side - 1).tolist()
    return column, row


def _probability(candidate: LikelyObject, click: Click) -> float:
    """Return how probable it is that a place belongs to an object, 0 outside its box."""
    x0, y0, x1, y1 = candidate.box.tolist()
    if not (x0 <= click.x <= x1 and y0 <= click.y <= y1):
        return 0.0
    column, row = _cell(candidate, click)
    return float(cv2.getRectSubPix(candidate.mask, (1, 1), (column, row))[0, 0])


def _alike(objects: Sequence[LikelyObject]) -> list[list[LikelyObject]]:
    """Return objects, the best first, in groups of the same outline."""
    groups: list[list[LikelyObject]] = []
    for candidate in objects:
        same = next((group for group in groups if _overlap(group[0], candidate) >= SAME), None)
        if same is None:
            groups.append([candidate])
        else:
            same.append(candidate)
    return groups


def _overlap(one: LikelyObject, other: LikelyObject) -> float:
    """Return the IoU of two masks."""
    box = np.concatenate((np.minimum(one.box[:2], other.box[:2]), np.maximum(one.box[2:], other.box[2:])))
    a, b = (_on_grid(each.mask, each.box, box, len(one.mask)) > 0.5 for each in (one, other))
    return float((a & b).sum() / max(1, (a | b).sum()))


def _weights(objects: Sequence[LikelyObject], clicks: Sequence[Click]) -> NDArray[np.float64]:
    """Return how much each object counts, 1 together."""
    logits = np.array([SHARP * _rank(candidate, clicks[0]) for candidate in objects])
    for click in clicks[1:]:
        chances = np.array([_probability(candidate, click) for candidate in objects])
        logits += TRUST * np.log(np.maximum(chances if click.is_object else 1 - chances, LEAST))
    raised = np.exp(logits - logits.max(initial=-np.inf))
    return raised / raised.sum() if len(raised) else raised


def _window(size: tuple[int, int], boxes: Sequence[NDArray[np.float32]], clicks: Sequence[Click]) -> _Window:
    """Return the part of a photo of `size` (height, width) in which the outline is sought."""
    places = np.array([(click.x, click.y) for click in clicks])
    if not boxes:
        reach = ALONE * min(size)
        boxes = [np.concatenate((places.min(0) - reach, places.max(0) + reach))]
    corners = np.array(boxes)
    low, high = np.minimum(corners[:, :2].min(0), places.min(0)), np.maximum(corners[:, 2:].max(0), places.max(0))
    margin = np.maximum(AROUND * (high - low), 1.0)
    low, high = np.maximum(low - margin, 0), np.minimum(high + margin, size[::-1])
    return _Window(np.concatenate((low, high)).astype(np.float32), ((high - low) / CELLS).astype(np.float32))


def _on_grid(
    mask: NDArray[np.float32], box: NDArray[np.float32], window: NDArray[np.float32], cells: int
) -> NDArray[np.float32]:
    """Return a mask [M, M] over a box in the cells of another, [cells, cells]; 0 outside the box."""
    side = np.maximum(box[2:] - box[:2], 1e-6) / len(mask)
    step, start = (window[2:] - window[:2]) / cells / side, (window[:2] - box[:2]) / side
    # Both speak of the middles of cells, and the mask has a border of zeros of one cell.
    (sx, sy), (x, y) = step.tolist(), (start + step / 2 + 0.5).tolist()
    matrix = np.array([[sx, 0, x], [0, sy, y]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(np.pad(mask, 1), matrix, (cells, cells), flags=flags).astype(np.float32)


def _observed(
    predictor: Segmenter, prior: NDArray[np.float32], window: _Window, clicks: Sequence[Click]
) -> NDArray[np.float32]:
    """Return how probable it is that a cell is object [CELLS, CELLS], with what the clicks say of it."""
    chances = np.clip(prior, UNSURE, 1 - UNSURE)
    logits = np.log(chances / (1 - chances))
    likely = float((prior > 0.5).sum()) or BLIND * CELLS**2
    area = likely * float(window.step.prod())
    xs, ys = window.cells()
    says = []
    for click in clicks:
        squared = (xs[None] - click.x) ** 2 + (ys[:, None] - click.y) ** 2
        alike = predictor.likeness(click.x, click.y, window.box, CELLS)
        says.append(np.exp(-squared / (2 * REACH**2 * area) + (np.minimum(alike, 1) - 1) / UNLIKE))
    at = np.array([((click.x, click.y) - window.box[:2]) / window.step for click in clicks])
    columns, rows = np.clip(at.astype(int), 0, CELLS - 1).T
    covariance = np.array([say[rows, columns] for say in says])
    sides = np.array([1 if click.is_object else -1 for click in clicks])
    missing = sides * np.maximum(DECIDED - sides * logits[rows, columns], 0)
    factors = np.linalg.solve((covariance + covariance.T) / 2 + NOISE * np.eye(len(clicks)), missing)
    logits = logits + np.tensordot(factors, np.array(says), 1)
    return (1 / (1 + np.exp(-STEEP * logits))).astype(np.float32)
