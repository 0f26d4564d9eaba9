from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from annotator.core import edits
from annotator.core.annotation import Annotation, Origin
from annotator.core.document import Document, Edit
from annotator.core.no_overlap import OverlapRule, without_overlap
from annotator.core.photo_state import PhotoState
from dataset.geometry import CombineMode, combine, from_parts, rectangle, share_vertices, to_parts, valid
from tests.painting import to_mask
from tests.strategies import SIZE, shapes

OFF, YIELD, CUT = OverlapRule


def record(annotation_id: int, x0: float, y0: float, x1: float, y1: float, **fields: object) -> Annotation:
    return Annotation(annotation_id, 1, rectangle(x0, y0, x1, y1), **fields)  # type: ignore[arg-type]


def document_of(*records: Annotation) -> Document:
    return Document("a.jpg", PhotoState(SIZE, records))


def after(document: Document, edit: Edit, rule: OverlapRule) -> dict[int, Annotation]:
    """What is on record after the edit under the rule, which has been undone and done again."""
    separated = without_overlap(edit, {a.id: a for a in document.annotations}, rule, document.size)
    before = document.state
    document.apply(separated)
    state = document.state
    document.revert(separated)
    assert document.state == before
    document.apply(separated)
    assert document.state == state
    return {a.id: a for a in document.annotations}


@pytest.mark.parametrize(("rule", "areas"), [(OFF, [400, 400]), (YIELD, [400, 300]), (CUT, [300, 400])])
def test_a_new_outline_yields_to_its_neighbours_or_cuts_them(rule: OverlapRule, areas: list[float]) -> None:
    document = document_of(record(1, 10, 10, 30, 30))
    made = after(document, edits.add(document, [record(2, 20, 20, 40, 40)]), rule)
    assert [made[i].shape.area for i in (1, 2)] == areas


def test_the_border_has_the_same_vertices_on_both_sides() -> None:
    document = document_of(record(1, 10, 10, 30, 30, origin=Origin.SUGGESTED))
    made = after(document, edits.add(document, [record(2, 20, 5, 40, 40)]), YIELD)
    assert made[1].shape.equals(rectangle(10, 10, 30, 30))
    assert made[1].origin is Origin.SUGGESTED, "vertices on its edges are no other outline"
    sides = [{tuple(p) for p in to_parts(made[i].shape)[0][0]} for i in (1, 2)]
    assert sides[0] & sides[1] == {(20, 10), (30, 10), (30, 30), (20, 30)}


@settings(max_examples=15)
@given(shapes(), shapes())
def test_whatever_is_drawn_shares_no_area(a: object, b: object) -> None:
    first, second = Annotation(1, 1, a), Annotation(2, 1, b)  # type: ignore[arg-type]
    for rule in (YIELD, CUT):
        document = document_of(first)
        made = after(document, edits.add(document, [second]), rule)
        ours, theirs = (to_mask(made[i].shape, SIZE) for i in (1, 2))
        if valid(made[1].shape).equals(valid(made[2].shape)):
            continue  # what is drawn exactly over another stays there
        shared = combine(made[1].shape, made[2].shape, CombineMode.INTERSECT, SIZE)
        assert shared.area < 1e-4
        # COCO's rasteriser rounds to a fifth of a pixel: slivers thinner than that may be painted twice.
        assert (ours & theirs).sum() <= 4


@pytest.mark.parametrize("seed", range(40))
def test_masks_neither_overlap_nor_leave_a_gap(seed: int) -> None:
    random = np.random.default_rng(seed)
    angles = np.linspace(0, 2 * np.pi, 9, endpoint=False)
    around = np.column_stack((np.cos(angles), np.sin(angles)))
    blobs = [from_parts([[around * random.uniform(9, 16, (9, 1)) + random.uniform(18, 30, 2)]]) for _ in range(2)]
    document, new = document_of(Annotation(1, 1, blobs[0])), Annotation(2, 1, blobs[1])
    made = after(document, edits.add(document, [new]), (YIELD, CUT)[seed % 2])
    ours, theirs = (to_mask(made[i].shape, SIZE) for i in (1, 2))
    union = combine(made[1].shape, made[2].shape, CombineMode.ADD, SIZE)
    assert np.array_equal(ours | theirs, to_mask(union, SIZE))
    assert not (ours & theirs).any()


@pytest.mark.parametrize("rule", [YIELD, CUT])
def test_nothing_vanishes_what_is_covered_is_cut_out_of_the_other(rule: OverlapRule) -> None:
    for inner, outer in ((1, 2), (2, 1)):
        records = {inner: record(inner, 20, 20, 25, 25), outer: record(outer, 10, 10, 40, 40)}
        document = document_of(records[1])
        made = after(document, edits.add(document, [records[2]]), rule)
        assert (made[inner].shape.area, made[outer].shape.area) == (25, 875)


@pytest.mark.parametrize("rule", [YIELD, CUT])
def test_the_same_outline_twice_stays(rule: OverlapRule) -> None:
    document = document_of(record(1, 10, 10, 20, 20))
    made = after(document, edits.add(document, [record(2, 10, 10, 20, 20)]), rule)
    assert [r.shape.area for r in made.values()] == [100, 100]


@pytest.mark.parametrize("kind", ["is_box", "is_crowd"])
@pytest.mark.parametrize("rule", [YIELD, CUT])
def test_boxes_and_crowds_overlap(kind: str, rule: OverlapRule) -> None:
    for one, other in (({kind: True}, {}), ({}, {kind: True})):
        document = document_of(record(1, 10, 10, 30, 30, **one))
        edit = edits.add(document, [record(2, 20, 20, 40, 40, **other)])
        assert (
            without_overlap(edit, {1: document[1]}, rule, SIZE) is edit
            or kind not in one | other
            or (without_overlap(edit, {1: document[1]}, rule, SIZE) == edit)
        )


def test_other_edits_are_left_alone() -> None:
    document = document_of(record(1, 10, 10, 30, 30), record(2, 20, 20, 40, 40))
    before = {a.id: a for a in document.annotations}
    for edit in (
        edits.relabel(document, (1,), 2, lambda: 9),
        edits.delete(document, (1,)),
        edits.mark_done(document, done=True),
    ):
        assert without_overlap(edit, before, CUT, SIZE) is edit


def test_a_changed_outline_counts_and_those_of_one_edit_yield_to_the_first() -> None:
    document = document_of(record(1, 0, 0, 10, 10), record(2, 20, 0, 30, 10), record(3, 40, 0, 50, 10))
    moved = [replace(document[1], shape=rectangle(25, 0, 45, 10)), replace(document[3], shape=rectangle(40, 0, 60, 10))]
    made = after(document, edits.change(document, "move", moved, lambda: 9), CUT)
    assert [made[i].shape.bounds[::2] for i in (1, 2, 3)] == [(25, 45), (20, 25), (45, 60)]


def test_accepted_suggestions_share_what_is_there() -> None:
    document = document_of(record(1, 0, 0, 10, 10))
    document.set_suggestions(
        [record(-1, 8, 0, 20, 10, score=0.8, origin=Origin.SUGGESTED), record(-2, 18, 0, 30, 10, score=0.7)]
    )
    counter = itertools.count(5)
    made = after(document, edits.accept(document, (-1, -2), lambda: next(counter)), YIELD)
    assert [made[i].shape.bounds[::2] for i in (1, 5, 6)] == [(0, 10), (10, 20), (20, 30)]
    assert made[5].origin is Origin.EDITED


def test_three_that_meet_in_a_point_share_it() -> None:
    document = document_of(record(1, 0, 0, 20, 40), record(2, 20, 20, 40, 40))
    made = after(document, edits.add(document, [record(3, 10, 10, 35, 30)]), YIELD)
    masks = [to_mask(made[i].shape, SIZE) for i in (1, 2, 3)]
    assert np.max(np.sum(masks, axis=0)) == 1
    assert (20, 20) in {tuple(p) for p in to_parts(made[1].shape)[0][0]}


def test_vertices_are_shared_where_they_lie_on_an_edge() -> None:
    square, other = rectangle(0, 0, 10, 10), rectangle(10, 3, 20, 7)
    shared = share_vertices(square, other)
    assert shared.equals(square)
    assert {tuple(p) for p in to_parts(shared)[0][0]} >= {(10, 3), (10, 7)}
    assert share_vertices(square, rectangle(30, 30, 40, 40)) is square
