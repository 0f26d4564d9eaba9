from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator.core import shape_edits
from annotator.core.annotation import Annotation, Keypoint, Origin, Visibility
from annotator.core.document import Document, Edit
from annotator.core.photo_state import PhotoState
from dataset.geometry import CombineMode, combine, rectangle, valid
from tests.strategies import SIZE, annotations

ADD, SUBTRACT, INTERSECT = CombineMode
KEYPOINTS = (Keypoint(12, 12, Visibility.VISIBLE),)
BAND = combine(rectangle(10, 10, 15, 40), rectangle(30, 10, 40, 40), ADD, SIZE)  # two parts, the larger on the right


def record(annotation_id: int, x0: float, y0: float, x1: float, y1: float, **fields: object) -> Annotation:
    return Annotation(annotation_id, 1, rectangle(x0, y0, x1, y1), **fields)  # type: ignore[arg-type]


def document_of(*records: Annotation) -> Document:
    document = Document("a.jpg", PhotoState(SIZE, tuple(r for r in records if r.id > 0)))
    document.set_suggestions(r for r in records if r.id < 0)
    document.select(r.id for r in records)
    return document


def ids() -> Callable[[], int]:
    counter = itertools.count(100)
    return lambda: next(counter)


def done(document: Document, edit: Edit | None) -> Document:
    """The document after the edit, which has been undone and redone before."""
    assert edit is not None
    state, selection = document.state, document.selection
    document.apply(edit)
    after = document.state
    document.revert(edit)
    assert (document.state, document.selection) == (state, selection)
    document.apply(edit)
    assert document.state == after
    return document


def test_what_is_drawn_into_an_object_leaves_its_class_id_and_keypoints() -> None:
    document = document_of(record(1, 10, 10, 40, 40, keypoints=KEYPOINTS, origin=Origin.SUGGESTED, score=0.8))
    done(document, shape_edits.draw_into(document, 1, rectangle(20, 20, 30, 30), SUBTRACT, ids()))
    made = document[1]
    assert (made.keypoints, made.category_id, made.origin) == (KEYPOINTS, 1, Origin.EDITED)
    assert made.shape.area == 800
    assert len(made.shape.geoms[0].interiors) == 1
    assert document.selection == (1,)


def test_a_suggestion_that_is_drawn_into_is_accepted() -> None:
    document = document_of(record(-1, 10, 10, 40, 40, score=0.9, origin=Origin.SUGGESTED))
    done(document, shape_edits.draw_into(document, -1, rectangle(0, 0, 20, 20), ADD, ids()))
    assert [a.id for a in document.annotations] == [100]
    assert document.selection == (100,)
    assert not document.suggestions
    assert document[100].origin is Origin.EDITED


@pytest.mark.parametrize("annotation_id", [1, -1])
def test_what_is_cut_away_entirely_is_deleted_or_rejected(annotation_id: int) -> None:
    document = document_of(record(annotation_id, 10, 10, 20, 20, keypoints=KEYPOINTS, score=0.9))
    done(document, shape_edits.draw_into(document, annotation_id, rectangle(0, 0, 50, 40), SUBTRACT, ids()))
    assert document.annotations == ()
    assert document.suggestions == ()
    assert document.selection == ()


@pytest.mark.parametrize(
    ("mode", "drawn"),
    [(ADD, (12, 12, 18, 18)), (SUBTRACT, (30, 30, 40, 40)), (INTERSECT, (0, 0, 50, 40)), (SUBTRACT, (20, 10, 30, 20))],
)
def test_what_changes_nothing_is_no_edit(mode: CombineMode, drawn: tuple[float, float, float, float]) -> None:
    document = document_of(record(1, 10, 10, 20, 20))
    assert shape_edits.draw_into(document, 1, rectangle(*drawn), mode, ids()) is None


def test_a_union_is_the_first_ones() -> None:
    others = (record(1, 20, 10, 40, 30), record(-1, 50, 40, 60, 45, score=0.9))
    document = document_of(record(3, 10, 10, 30, 30, keypoints=KEYPOINTS, extra={"odd": 1}), *others)
    done(document, shape_edits.unite(document, document.selection, ids()))
    assert [a.id for a in document.annotations] == [3]
    assert document[3].keypoints == KEYPOINTS
    assert document[3].extra == {"odd": 1}
    assert document[3].shape.equals(combine(rectangle(10, 10, 40, 30), rectangle(50, 40, 60, 45), ADD, SIZE))
    assert document.reviewed == (others[1],)
    assert document.selection == (3,)


def test_the_others_are_cut_out_of_the_first_and_stay() -> None:
    document = document_of(record(1, 10, 10, 40, 40), record(2, 20, 20, 30, 30), record(3, 35, 0, 60, 45))
    done(document, shape_edits.subtract(document, (1, 2, 3), ids()))
    assert document[1].shape.area == 25 * 30 - 100
    assert (document[2].shape.area, document[3].shape.area) == (100, 25 * 45)
    assert shape_edits.subtract(document, (1, 2, 3), ids()) is None


def test_an_intersection_is_the_first_ones_and_may_be_nothing() -> None:
    document = document_of(record(1, 10, 10, 40, 40), record(2, 20, 20, 50, 45), record(3, 0, 0, 5, 5))
    assert shape_edits.intersect(document, (1, 2, 3), ids()) is None
    done(document, shape_edits.intersect(document, (2, 1), ids()))
    assert [a.id for a in document.annotations] == [2, 3]
    assert document[2].shape.equals(rectangle(20, 20, 40, 40))


def test_parts_become_objects_and_the_largest_keeps_the_id() -> None:
    document = document_of(Annotation(1, 1, BAND, KEYPOINTS, extra={"odd": 1}), record(2, 0, 0, 5, 5))
    done(document, shape_edits.separate(document, (1, 2), ids()))
    assert document[1].shape.equals(rectangle(30, 10, 40, 40))
    assert document[100].shape.equals(rectangle(10, 10, 15, 40))
    assert (document[1].keypoints, document[100].keypoints) == (KEYPOINTS, ())
    assert (document[1].extra, document[100].extra) == ({"odd": 1}, {})
    assert document.selection == (1, 2, 100)
    assert shape_edits.separate(document, (1, 2), ids()) is None


def test_pieces_lie_as_high_as_what_they_are_of() -> None:
    document = document_of(record(1, 10, 10, 40, 40, extra={"z_order": 2, "odd": 1}), record(2, 0, 0, 60, 60))
    done(document, shape_edits.slice_along(document, (1,), [(25, 0), (25, 45)], ids()))
    assert [(a.id, a.extra.get("z_order")) for a in document.annotations] == [(2, None), (1, 2), (100, 2)]
    assert document[100].extra == {"z_order": 2}


def test_a_line_slices_all_that_it_crosses() -> None:
    document = document_of(record(1, 10, 10, 40, 40), record(-1, 20, 20, 60, 30, score=0.9), record(2, 0, 0, 5, 5))
    done(document, shape_edits.slice_along(document, (1, -1, 2), [(30, 0), (30, 45)], ids()))
    assert sorted(a.shape.area for a in document.annotations) == [25, 100, 300, 300, 600]
    assert not document.suggestions
    assert shape_edits.slice_along(document, (2,), [(30, 0), (30, 45)], ids()) is None


def test_holes_are_filled() -> None:
    holed = combine(rectangle(10, 10, 40, 40), rectangle(20, 20, 30, 30), SUBTRACT, SIZE)
    document = document_of(Annotation(1, 1, holed), record(2, 0, 0, 5, 5))
    edit = shape_edits.fill_holes(document, (1, 2), ids())
    done(document, edit)
    assert edit is not None
    assert list(edit.annotations) == [1], "what has none is left as it is"
    assert document[1].shape.equals(rectangle(10, 10, 40, 40))
    assert shape_edits.fill_holes(document, (1, 2), ids()) is None


@settings(max_examples=5)
@given(st.lists(annotations(), min_size=2, max_size=4))
def test_any_objects_can_be_united_cut_and_separated(records: list[Annotation]) -> None:
    numbered = [Annotation(i + 1, 1, r.shape, r.keypoints) for i, r in enumerate(records)]
    everything = tuple(r.id for r in numbered)
    for change in (shape_edits.unite, shape_edits.subtract, shape_edits.intersect, shape_edits.separate):
        document = document_of(*numbered)
        edit = change(document, everything, ids())
        if edit is not None:
            done(document, edit)
            touched = [document[i] for i, (_, after) in edit.annotations.items() if after is not None]
            assert all(r.shape.is_valid and not r.shape.is_empty for r in touched)
    document = document_of(*numbered)
    area = sum(valid(r.shape).area for r in numbered)
    separated = shape_edits.separate(document, everything, ids())
    if separated is not None:
        done(document, separated)
    assert sum(valid(r.shape).area for r in document.annotations) == pytest.approx(area)
