"""The pixels of a stroke, and what becomes of objects with them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon

from annotator.core.annotation import Annotation
from annotator.core.document import Document
from annotator.core.photo_state import PhotoState
from annotator.core.shape_edits import draw_into
from annotator.core.strokes import MAX_DIAMETER, MIN_DIAMETER, Stroke, erase_from, stepped
from dataset.geometry import CombineMode, rectangle, to_parts, valid
from dataset.masks import rasterize
from tests.strategies import SIZE, cents, coco_decode, shapes

X, Y = np.meshgrid(np.arange(SIZE[0]) + 0.5, np.arange(SIZE[1]) + 0.5)
CENTRES = shapely.points(X, Y)
_CHEAP = settings(max_examples=40)  # each looks at every pixel
points = st.lists(st.tuples(cents(-10, 74), cents(-10, 58)), min_size=1, max_size=6)
diameters = st.one_of(st.integers(1, 30), st.just(200))


def stroke_along(line: list[tuple[float, float]], diameter: float) -> Stroke:
    stroke = Stroke(diameter, SIZE)
    for point in line:
        stroke.add(*point)
    return stroke


def pixels(stroke: Stroke) -> np.ndarray:
    """The mask in the whole photo."""
    mask, (x, y) = stroke.mask()
    whole = np.zeros(SIZE[::-1], bool)
    whole[y : y + mask.shape[0], x : x + mask.shape[1]] = mask
    return whole


def inside(shape: MultiPolygon) -> np.ndarray:
    """The pixels whose centre is inside a shape."""
    return shapely.contains(valid(shape), CENTRES)


def near_edge(shape: MultiPolygon) -> np.ndarray:
    """The pixels whose centre is on the outline, which are neither inside nor outside."""
    return shapely.distance(valid(shape).boundary, CENTRES) < 1e-6


def document_of(*shapes_: MultiPolygon) -> Document:
    records = tuple(Annotation(i, 1, shape) for i, shape in enumerate(shapes_, 1))
    return Document("photo.jpg", PhotoState(SIZE, records))


@_CHEAP
@given(points, diameters)
def test_a_pixel_is_painted_if_its_centre_is_within_the_radius(line: list[tuple[float, float]], diameter: int) -> None:
    drawn = shapely.LineString(line if len(line) > 1 else line * 2)
    distance, radius = shapely.distance(drawn, CENTRES), max(diameter / 2, 0.5**0.5)
    painted = pixels(stroke_along(line, diameter))
    sure = np.abs(distance - radius) > 1e-9
    assert (painted == (distance <= radius))[sure].all()


@_CHEAP
@given(points, diameters)
def test_the_region_is_painted_as_those_very_pixels(line: list[tuple[float, float]], diameter: int) -> None:
    stroke = stroke_along(line, diameter)
    assert (coco_decode({**rasterize(to_parts(stroke.region()), SIZE)}) == pixels(stroke)).all()


@given(st.tuples(cents(0, 63), cents(0, 47)))
def test_the_smallest_brush_reaches_the_pixel_that_it_is_in(at: tuple[float, float]) -> None:
    painted = pixels(stroke_along([at], 1))
    assert painted[int(at[1]), int(at[0])]
    assert 1 <= painted.sum() <= 4


def test_a_fast_stroke_has_no_gaps() -> None:
    assert pixels(stroke_along([(2, 24), (62, 24)], 3))[23:25, 2:62].all()


def test_a_stroke_without_points_is_nothing() -> None:
    assert Stroke(10, SIZE).region().is_empty


@_CHEAP
@given(shapes(), points, diameters)
def test_painting_is_or_and_erasing_is_and_not_at_pixel_centres(
    shape: MultiPolygon, line: list[tuple[float, float]], diameter: int
) -> None:
    document, ids, stroke = document_of(shape), itertools.count(10), stroke_along(line, diameter)
    before, painted, sure = inside(shape), pixels(stroke), ~near_edge(shape)
    edit = draw_into(document, 1, stroke.region(), CombineMode.ADD, lambda: next(ids))
    if edit is not None:
        document.apply(edit)
    else:
        assert (before | near_edge(shape))[painted].all()
    after = document[1].shape
    assert edit is None or after.is_valid
    assert (inside(after) == (before | painted))[sure].all()
    if edit is not None:
        document.revert(edit)
    edit = erase_from(document, document.annotations, stroke.region(), lambda: next(ids))
    if edit is not None:
        document.apply(edit)
    left = document.get(1)
    after = left.shape if left is not None else MultiPolygon()
    assert edit is None or after.is_valid
    assert (inside(after) == (before & ~painted))[sure].all()


def test_an_object_that_is_not_met_is_not_in_the_edit() -> None:
    document = document_of(rectangle(0, 0, 10, 10), rectangle(30, 30, 40, 40), MultiPolygon())
    edit = erase_from(document, document.annotations, stroke_along([(5, 5)], 4).region(), lambda: 10)
    assert edit is not None
    assert set(edit.annotations) == {1}
    assert erase_from(document, document.annotations, stroke_along([(20, 20)], 4).region(), lambda: 10) is None


def test_painting_where_the_object_is_changes_nothing() -> None:
    document = document_of(rectangle(0, 0, 10, 10))
    assert draw_into(document, 1, stroke_along([(5, 5)], 4).region(), CombineMode.ADD, lambda: 10) is None
    assert draw_into(document, 1, stroke_along([(-50, 5)], 4).region(), CombineMode.ADD, lambda: 10) is None


@pytest.mark.parametrize("steps", [1, -1])
def test_each_step_changes_the_size_up_to_its_limits(steps: int) -> None:
    size, seen = 20, []
    for _ in range(100):
        size, before = stepped(size, steps), size
        seen.append((size - before) * steps > 0 or size in {MIN_DIAMETER, MAX_DIAMETER})
    assert all(seen)
    assert size == (MAX_DIAMETER if steps > 0 else MIN_DIAMETER)
    assert stepped(20, 0) == 20
