from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon

from dataset.geometry import from_parts, rectangle, valid
from dataset.simplify import refine, vertex_count, without_spikes

SIZE = (200, 150)
ROUND = 1e-6


@st.composite
def shapes(draw: st.DrawFn) -> MultiPolygon:
    """Any parts and holes, crossing and overlapping ones among them, in the photo."""
    corner = st.tuples(st.integers(0, SIZE[0]), st.integers(0, SIZE[1]))
    ring = st.lists(corner, min_size=3, max_size=12, unique=True)
    return from_parts(draw(st.lists(st.lists(ring, min_size=1, max_size=3), min_size=1, max_size=3)))


@st.composite
def blobs(draw: st.DrawFn) -> MultiPolygon:
    """A valid outline with a wavy hole, both of many vertices."""
    n, seed = draw(st.integers(8, 200)), draw(st.integers(0, 2**32 - 1))
    angles = np.linspace(0, 2 * np.pi, n, endpoint=False)
    rings = [
        np.stack((np.cos(angles), np.sin(angles)), axis=1) * np.random.default_rng(seed).uniform(low, high, (n, 1))
        for low, high in ((50, 70), (20, 40))
    ]
    return from_parts([[ring + np.array((100, 75)) for ring in rings]])


AMOUNT = st.sampled_from((0.0, 0.3, 1.0, 4.0, 20.0))


@given(shapes(), AMOUNT, AMOUNT)
def test_what_is_made_is_valid_inside_the_photo_and_something(shape: MultiPolygon, a: float, b: float) -> None:
    made = refine(shape, a, b, SIZE)
    if not (a or b) or valid(shape).area < ROUND:
        assert made is shape
        return
    assert made.is_valid
    assert not made.is_empty
    assert shapely.box(0, 0, *SIZE).covers(made)
    assert refine(shape, a, b, SIZE).equals_exact(made)


@given(blobs(), AMOUNT, AMOUNT)
def test_no_part_or_hole_goes_and_nothing_moves_farther_than_asked(shape: MultiPolygon, a: float, b: float) -> None:
    made = refine(shape, a, b, SIZE)
    assert [len(part.interiors) for part in made.geoms] == [1]
    assert shapely.hausdorff_distance(made.boundary, shape.boundary) <= 2 * a + b + ROUND
    if not b:
        assert vertex_count(made) <= vertex_count(shape)


def test_a_rough_circle_becomes_a_round_one_of_few_vertices() -> None:
    angles = np.linspace(0, 2 * np.pi, 300, endpoint=False)
    rough = 50 + np.random.default_rng(0).uniform(-0.7, 0.7, (300, 1))
    shape = from_parts([[np.stack((np.cos(angles), np.sin(angles)), axis=1) * rough + (100, 75)]])
    made = refine(shape, 0.3, 3.0, SIZE)
    assert vertex_count(made) < 60
    away = np.abs(np.hypot(*(shapely.get_coordinates(made) - (100, 75)).T) - 50)
    assert away.max() < 0.5
    assert made.area == pytest.approx(np.pi * 50**2, rel=0.01)


def test_a_box_stays_one_when_simplified_and_keeps_its_sides_when_smoothed() -> None:
    box = rectangle(20, 30, 120, 90)
    assert refine(box, 5.0, 0.0, SIZE).equals(box)
    made = refine(box, 0.0, 4.0, SIZE)
    assert vertex_count(made) > 4
    assert made.bounds == pytest.approx(box.bounds, abs=0.5)


def test_spikes_and_slits_go_and_the_rest_stays() -> None:
    square = rectangle(20, 20, 100, 100)
    spiked = square.union(rectangle(100, 50, 140, 51)).difference(rectangle(60, 19, 61, 50))
    assert isinstance(spiked, shapely.Polygon)
    made = without_spikes(from_parts([[np.array(spiked.exterior.coords)]]), 1.0, SIZE)
    assert made.symmetric_difference(square).area < 1
    thin = rectangle(5, 5, 150, 6)
    assert without_spikes(thin, 1.0, SIZE) is thin, "where nothing else is left, it stays"


@given(shapes(), st.sampled_from((0.2, 1.0, 5.0)))
def test_without_spikes_there_is_a_valid_shape_in_the_photo(shape: MultiPolygon, reach: float) -> None:
    made = without_spikes(shape, reach, SIZE)
    if made is not shape:
        assert made.is_valid
        assert shapely.box(0, 0, *SIZE).buffer(ROUND).covers(made)
