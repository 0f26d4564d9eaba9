from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from PySide6.QtCore import QRectF

from annotator.canvas.labels import Label, label_of, place
from annotator.canvas.visible_records import VisibleRecords
from annotator.core.annotation import Annotation
from annotator.core.categories import Categories
from annotator.core.document import Document
from annotator.core.photo_state import PhotoState
from tests.annotator.canvas.conftest import SIZE, square, triple

pytestmark = pytest.mark.usefixtures("qapp")


def content(annotations: list[Annotation], offered: list[Annotation] | None = None) -> VisibleRecords:
    categories = Categories()
    categories.add("person")
    made = VisibleRecords(categories)
    made.document = Document("a.jpg", PhotoState(SIZE, tuple(annotations)))
    made.document.set_suggestions(offered or ())
    made.sync()
    return made


def test_what_is_suggested_says_its_score() -> None:
    shown = content([square(1, 10, 10, 50)], [square(-1, 200, 100, 50)])
    assert {label.text for label in place(shown, 4.0).values()} == {"person", "person 0.90"}


def test_labels_never_cover_each_other_and_stay_at_the_photo() -> None:
    squares = [square(i + 1, 13 * (i % 20), 17 * (i % 13), 40) for i in range(60)]
    shown = content([replace(s, category_id=1 + s.id % 2) for s in squares])
    labels = place(shown, 3.0)
    assert 3 < len(labels) < 60
    for a, b in itertools.combinations(labels.values(), 2):
        assert not a.rect.intersects(b.rect)
    photo = QRectF(0, -10, SIZE[0] * 3, SIZE[1] * 3 + 10)
    assert all(photo.contains(label.rect) for label in labels.values())


def test_many_objects_of_one_class_have_no_names() -> None:
    squares = [square(i + 1, 60 * (i % 6), 45 * (i // 6), 40) for i in range(36)]
    assert place(content(squares), 2.0) == {}
    assert len(place(content(squares[:20]), 2.0)) == 20
    assert len(place(content([replace(squares[0], category_id=2), *squares[1:]]), 2.0)) == 36


def test_a_small_shape_has_no_room() -> None:
    shown = content([square(1, 100, 100, 20)])
    assert place(shown, 1.0) == {}
    assert list(place(shown, 8.0)) == [1]


def test_a_label_stands_over_the_highest_vertex() -> None:
    label = label_of(content([]), square(1, 100, 100, 20), 2.0)
    assert label is not None
    assert label.rect.center().x() == pytest.approx(200)
    assert label.rect.bottom() < 200


@pytest.mark.parametrize(("x", "y"), [(0, 0), (360, 0), (0, 260), (360, 260), (-10, 100), (180, -5), (180, 130)])
def test_the_active_label_stands_where_the_resting_one_does(x: float, y: float) -> None:
    record = square(1, x, y, 40)
    shown = content([record])
    assert place(shown, 3.0) == {1: label_of(shown, record, 3.0)}


def test_keypoints_alone_have_a_label_and_nothing_has_none() -> None:
    shown = content([])
    assert label_of(shown, Annotation(1, 1, keypoints=triple()), 1.0) is not None
    assert label_of(shown, Annotation(1, 1), 1.0) is None


def test_clipped_into_view() -> None:
    label = Label(-30, -5, 60, "person", "#ffffff").inside(QRectF(0, 0, 200, 100))
    assert (label.x, label.y) == (0, 0)
    label = Label(190, 95, 60, "person", "#ffffff").inside(QRectF(0, 0, 200, 100))
    assert QRectF(0, 0, 200, 100).contains(label.rect)
