"""What a person has to do: the actions that lead from nothing, or from a suggestion, to an outline of IoU 0.9.

The costs, all in actions (a click, a key, a drag):

| What | Actions |
|---|---|
| accept a suggestion | 1 |
| reject a suggestion | 1 |
| correct an outline | 1 for each vertex that is set anew |
| ask for a mask by a box | 1, and then as a suggestion that was accepted |
| draw by hand | the fewest vertices with which the outline reaches IoU 0.9, and 2 to begin and to end |

Whoever sets vertices sets them so that about as much is too much as too little: see `balanced`.

Outlines are corrected a stretch at a time, the one that is most wrong first: where the outline leaves the true one, the
stretch between is drawn anew with the vertices that the true outline has there at IoU 0.95. A person who would be
faster drawing by hand does that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Polygon

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shapely.geometry.base import BaseGeometry

WANTED = 0.9
"""IoU from which an outline is right."""
EXACT = 0.95
"""IoU of the outline that corrections follow."""
MATCH = 0.5
"""IoU from which a suggestion is worth correcting."""
ACCEPT = REJECT = BOX = 1
HAND = 2
"""Actions of drawing by hand beside the vertices."""
NEAR = 1e-6


@dataclass(frozen=True)
class Effort:
    """What one object took."""

    actions: int
    outline: BaseGeometry


@dataclass
class Tally:
    """What a photo took."""

    instances: int = 0
    actions: int = 0
    by_hand: int = 0
    """What it would have taken without a model."""
    accepted: int = 0
    corrected: int = 0
    rejected: int = 0
    missed: int = 0


def iou(one: BaseGeometry, other: BaseGeometry) -> float:
    """Return the intersection over the union of two areas."""
    both = one.intersection(other).area
    union = one.area + other.area - both
    return both / union if union > 0 else 0.0


def sound(shape: BaseGeometry) -> BaseGeometry:
    """Return the areas of a shape, repaired where it crosses itself."""
    whole = shape if shape.is_valid else shapely.make_valid(shape)
    parts = [p for p in shapely.get_parts(whole).tolist() if isinstance(p, Polygon | MultiPolygon)]
    return shapely.union_all(parts) if len(parts) != 1 else parts[0]


def vertices(shape: BaseGeometry) -> int:
    """Return how many vertices a shape has, those that close its rings not counted."""
    rings = sum(1 + len(p.interiors) for p in shapely.get_parts(shape).tolist() if isinstance(p, Polygon))
    return int(shapely.get_num_coordinates(shape)) - rings


def fewest_vertices(true: BaseGeometry, wanted: float) -> BaseGeometry:
    """Return the outline with the fewest vertices, of those that Douglas and Peucker's method gives, of that IoU."""
    low, high = 0.0, float(np.sqrt(true.area))
    best = true
    for _ in range(12):
        middle = (low + high) / 2
        simple = sound(true.simplify(middle, preserve_topology=True))
        if iou(simple, true) >= wanted:
            low = middle
            best = simple if vertices(simple) <= vertices(best) else best
        else:
            high = middle
    return best


def balanced(outline: BaseGeometry, true: BaseGeometry) -> BaseGeometry:
    """Return an outline with its sides moved until it is as large as the true one, if that fits better.

    Douglas and Peucker's corners lie on the true outline, so that all round things come out too small. People set their
    corners so that about as much is too much as too little.
    """
    low, high = 0.0, float(np.sqrt(true.area)) / 4
    grown = outline
    for _ in range(12):
        middle = (low + high) / 2
        grown = sound(outline.buffer(middle, join_style="mitre", mitre_limit=2.0))
        low, high = (middle, high) if grown.area < true.area else (low, middle)
    return grown if iou(grown, true) > iou(outline, true) else outline


def by_hand(true: BaseGeometry) -> Effort:
    """Return what drawing an object takes."""
    outline = fewest_vertices(true, WANTED)
    return Effort(vertices(outline) + HAND, balanced(outline, true))


def correct(suggested: BaseGeometry, true: BaseGeometry) -> Effort:
    """Return what it takes to correct an outline, 0 where it is right."""
    outline, exact, actions = sound(suggested), balanced(fewest_vertices(true, EXACT), true), 0
    corners = shapely.get_coordinates(exact)
    points = shapely.points(corners)
    wrong = [p for p in shapely.get_parts(sound(outline.symmetric_difference(exact))).tolist() if p.area > NEAR]
    for stretch in sorted(wrong, key=lambda part: -part.area):
        if iou(outline, true) >= WANTED:
            break
        here = {tuple(corner) for corner in corners[shapely.dwithin(points, stretch, NEAR)].tolist()}
        actions += max(1, len(here))
        outline = sound(outline.symmetric_difference(stretch))
    return Effort(actions, outline)


def annotate(
    suggestions: Sequence[BaseGeometry],
    truth: Sequence[BaseGeometry],
    prompt: Callable[[BaseGeometry], BaseGeometry | None] | None,
) -> tuple[Tally, list[BaseGeometry]]:
    """Go through one photo as a person would.

    Args:
        suggestions: What is offered, best first.
        truth: What is there.
        prompt: Returns the mask for the box round an object, or None; None without a model.

    Returns:
        What it took, and an outline for each object of `truth`.
    """
    tally = Tally(instances=len(truth))
    offered = _matched(suggestions, truth)
    tally.rejected = len(suggestions) - sum(s is not None for s in offered)
    tally.actions = REJECT * tally.rejected
    outlines = []
    for true, suggested in zip(truth, offered, strict=True):
        hand = by_hand(true)
        tally.by_hand += hand.actions
        fixed = correct(suggested, true) if suggested is not None else None
        if fixed is None:
            tally.missed += 1
            effort = _anew(true, hand, prompt)
        elif fixed.actions == 0:
            tally.accepted += 1
            effort = Effort(ACCEPT, fixed.outline)
        else:
            tally.corrected += 1
            anew = _anew(true, hand, prompt)
            mended = Effort(ACCEPT + fixed.actions, fixed.outline)
            effort = min(mended, Effort(REJECT + anew.actions, anew.outline), key=_cost)
        tally.actions += effort.actions
        outlines.append(effort.outline)
    return tally, outlines


def _anew(true: BaseGeometry, hand: Effort, prompt: Callable[[BaseGeometry], BaseGeometry | None] | None) -> Effort:
    """Return what an object takes of which nothing is there: a mask by its box, mended, or by hand if that is less."""
    prompted = prompt(true) if prompt else None
    if prompted is None:
        return hand
    fixed = correct(prompted, true)
    return min(Effort(BOX + fixed.actions, fixed.outline), hand, key=_cost)


def _cost(effort: Effort) -> int:
    return effort.actions


def _matched(suggestions: Sequence[BaseGeometry], truth: Sequence[BaseGeometry]) -> list[BaseGeometry | None]:
    """Return for each object the suggestion of it: the best of them first chooses the object it overlaps most."""
    offered: list[BaseGeometry | None] = [None] * len(truth)
    tree = shapely.STRtree(list(truth))
    for suggestion in suggestions:
        near = [int(i) for i in tree.query(suggestion) if offered[i] is None]
        overlaps = [iou(suggestion, truth[i]) for i in near]
        if overlaps and max(overlaps) >= MATCH:
            offered[near[int(np.argmax(overlaps))]] = suggestion
    return offered
