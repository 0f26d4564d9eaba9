from __future__ import annotations

import itertools
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QColor, QPaintEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from annotator.canvas.image_pyramid import ImagePyramid
from annotator.canvas.style import LIGHT
from annotator.canvas.view import CanvasView
from annotator.core import edits
from annotator.core.annotation import Annotation
from annotator.core.categories import Categories
from annotator.core.document import Document, ShownRecords
from annotator.core.photo_state import PhotoState
from tests.annotator.canvas.conftest import SIZE, Bench, square, triple

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


def photo() -> ImagePyramid:
    """A red one."""
    return ImagePyramid(np.tile(np.array((255, 0, 0), np.uint8), (SIZE[1], SIZE[0], 1)))


@pytest.fixture
def view(qtbot: QtBot) -> CanvasView:
    made = CanvasView(Categories(), lambda: 1)
    qtbot.addWidget(made)
    made.resize(824, 624)
    made.show()
    qtbot.waitExposed(made)
    return made


def middle(view: CanvasView) -> QColor:
    return view.grab().toImage().pixelColor(view.viewport().rect().center())


@pytest.mark.parametrize("photo_first", [True, False])
def test_photo_and_document_come_in_any_order(view: CanvasView, photo_first: bool) -> None:
    document = Document("a.jpg", PhotoState(SIZE))
    if photo_first:
        view.set_photo(photo())
        view.set_document(document)
    else:
        view.set_document(document)
        view.set_photo(photo())
    assert middle(view) == QColor("red")
    assert view.scale_factor == pytest.approx(2.0)


def test_a_photo_alone_is_shown_and_taken_away(view: CanvasView) -> None:
    view.set_photo(photo())
    assert middle(view) == QColor("red")
    view.set_photo(None)
    assert middle(view) == QColor(view.colors.background)


def test_without_a_document_the_mouse_does_nothing(view: CanvasView) -> None:
    view.set_photo(photo())
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(400, 300))
    QTest.keyClick(view, Qt.Key.Key_Delete)
    assert view.document is None


def test_the_theme_paints_the_surroundings(view: CanvasView) -> None:
    view.set_colors(LIGHT)
    assert view.grab().toImage().pixelColor(2, 2) == QColor(LIGHT.background)


def test_the_document_is_followed_and_let_go(bench: Bench) -> None:
    before = bench.color(250, 200)
    bench.document.apply(edits.add(bench.document, [square(9, 230, 180, 40)]))
    assert bench.color(250, 200) != before  # selected, so filled
    bench.document.select(())
    assert bench.color(250, 200) == before
    assert bench.color(230, 200) != before  # its outline
    bench.document.apply(edits.delete(bench.document, (9,)))
    assert bench.color(230, 200) == before
    old = bench.document
    bench.view.set_document(Document("b.jpg", PhotoState(SIZE)))
    old.apply(edits.add(old, [square(10, 230, 180, 40)]))
    assert bench.color(230, 200) == before
    assert bench.view.content.selected == ()


def test_a_new_outline_leaves_nothing_of_the_old_one(bench: Bench) -> None:
    """What is painted step by step is what is painted anew."""
    bench.hover(320, 40)
    bench.drag((320, 40), (250, 200))
    bench.hover(40, 40)
    bench.click(250, 290)
    bench.view.horizontalScrollBar().setValue(bench.view.horizontalScrollBar().value() + 13)
    bench.document.threshold = 0.95
    bench.hover(150, 110)
    step_by_step = bench.view.grab().toImage()
    bench.view.set_colors(bench.view.colors)
    assert bench.view.grab().toImage() == step_by_step


class Exposed(QObject):
    """Remembers what a widget was asked to paint."""

    def __init__(self) -> None:
        super().__init__()
        self.rects: list[QRect] = []

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QPaintEvent):
            self.rects.append(event.rect())
        return False


def test_a_hover_paints_only_around_the_object(bench: Bench) -> None:
    bench.hover(320, 40)
    QApplication.processEvents()
    exposed = Exposed()
    bench.view.viewport().installEventFilter(exposed)
    bench.hover(250, 250)
    QApplication.processEvents()
    bench.view.viewport().removeEventFilter(exposed)
    assert exposed.rects
    around = QRect(bench.at(300, 20), bench.at(340, 60)).adjusted(-45, -30, 20, 20)  # the name is over the first vertex
    assert all(around.contains(rect) for rect in exposed.rects)


def test_a_mouse_that_moves_over_nothing_new_paints_nothing(bench: Bench) -> None:
    bench.hover(250, 250)
    QApplication.processEvents()
    exposed = Exposed()
    bench.view.viewport().installEventFilter(exposed)
    bench.hover(255, 255)
    QApplication.processEvents()
    bench.view.viewport().removeEventFilter(exposed)
    assert exposed.rects == []


@pytest.mark.parametrize(("name", "at"), [("suggestions", (20, 40)), ("annotations", (300, 40))])
def test_what_is_hidden_is_neither_seen_nor_hit(bench: Bench, name: str, at: tuple[int, int]) -> None:
    shown = bench.color(*at)
    bench.document.shown = replace(ShownRecords(), **{name: False})
    assert bench.color(*at) != shown
    bench.click(at[0] + 20, at[1])
    assert bench.document.selection == ()
    bench.document.shown = ShownRecords()
    bench.hover(250, 250)
    assert bench.color(*at) == shown


def test_names_can_be_hidden(qtbot: QtBot) -> None:
    bench = Bench(qtbot, [square(1, 100, 100, 150)])
    over = (110, 93)  # in the label over the first of the two highest vertices
    shown = bench.color(*over)
    bench.view.show_names = False
    assert bench.color(*over) != shown


def test_a_renamed_or_recoloured_class_is_painted_anew(bench: Bench) -> None:
    before = bench.color(300, 40)
    bench.categories.recolor(1, "#0000ff")
    assert bench.color(300, 40) != before


def test_an_unknown_class_is_shown_all_the_same(qtbot: QtBot) -> None:
    bench = Bench(qtbot, [Annotation(1, 77, square(1, 100, 100, 50).shape)])
    assert bench.color(100, 120) != bench.color(90, 120)
    assert bench.view.content.label(bench.document[1]) == "class 77"


def test_the_cursor_is_told_in_photo_pixels(bench: Bench) -> None:
    told: list[QPointF | None] = []
    bench.view.cursor_moved.connect(told.append)
    bench.hover(250, 200)
    bench.hover(405, 200)
    assert told[0] is not None
    assert (told[0].x(), told[0].y()) == (250, 200)
    assert told[1] is None


def test_tools_are_told_and_unknown_ones_refused(bench: Bench) -> None:
    told: list[str] = []
    bench.view.tool_changed.connect(told.append)
    bench.view.set_tool("polygon")
    bench.view.set_tool("polygon")
    assert told == ["polygon"]
    assert bench.view.tool == "polygon"
    with pytest.raises(KeyError):
        bench.view.set_tool("hammer")
    assert bench.view.tool == "polygon"


def test_a_crowd_that_is_selected_looks_selected_and_moves_together(qtbot: QtBot) -> None:
    bench = Bench(qtbot, [square(1 + i, 20 + 30 * (i % 10), 20 + 30 * (i // 10), 20) for i in range(60)])
    before = bench.color(125, 60)
    bench.document.select(range(1, 61))
    assert bench.color(125, 60) != before
    bench.drag((125, 60), (135, 60))
    assert len(bench.made) == 1
    assert {record.shape.bounds[0] % 30 for record in bench.document.annotations} == {0}
    bench.document.select(())
    bench.hover(350, 290)
    moved = bench.view.grab().toImage()
    bench.view.set_colors(bench.view.colors)
    assert bench.view.grab().toImage() == moved


def test_thousands_of_shapes_are_drafted_then_painted_between_events(qtbot: QtBot) -> None:
    shapes = [square(1 + i, 10 + 7 * (i % 50), 10 + 7 * (i // 50), 5) for i in range(1200)]
    bench = Bench(qtbot, shapes)
    view = bench.view
    qtbot.waitUntil(lambda: not view.is_drafted)

    def inked() -> int:
        view.viewport().repaint()
        image = view.grab().toImage()
        places = itertools.product(range(0, image.width(), 3), range(image.height() // 3, image.height() // 2, 2))
        return sum(image.pixelColor(x, y).saturation() > 60 for x, y in places)

    whole = inked()
    assert whole > 500
    view.set_document(Document("b.jpg", PhotoState(SIZE, tuple(shapes))))
    view.viewport().repaint()
    assert view.is_drafted
    qtbot.waitUntil(lambda: not view.is_drafted)
    assert inked() == whole
    view.zoom_in()
    view.viewport().repaint()
    assert view.is_drafted
    assert inked() > 500, "the draft of a zoom shows what was there"
    qtbot.waitUntil(lambda: not view.is_drafted)
    zoomed = view.grab().toImage()
    view.set_colors(view.colors)
    view.viewport().repaint()
    qtbot.waitUntil(lambda: not view.is_drafted)
    assert view.grab().toImage() == zoomed


def test_vertices_are_shown_only_to_a_tool_that_uses_them(bench: Bench) -> None:
    bench.document.select((2,))
    bench.hover(250, 250)
    inside_the_handle = (301.5, 21.5)
    with_handles = bench.color(*inside_the_handle)
    bench.view.set_tool("polygon")
    assert bench.color(*inside_the_handle) != with_handles


def test_an_object_pointed_at_in_a_list_is_highlighted(bench: Bench) -> None:
    before = bench.color(320, 40)
    bench.view.set_hovered(2)
    assert bench.color(320, 40) != before
    bench.view.set_hovered(None)
    assert bench.color(320, 40) == before
    bench.view.set_hovered(4711)
    assert bench.color(320, 40) == before


def test_zoom_to_selection(bench: Bench) -> None:
    bench.document.select((2,))
    bench.view.zoom_to_selection()
    seen = bench.view.camera().box_to_photo(bench.view.viewport().rect().toRectF())
    assert seen[0] < 300 < 340 < seen[2]
    assert seen[3] - seen[1] < 80
    bench.document.select(())
    bench.view.zoom_to_selection()
    assert bench.view.scale_factor == pytest.approx(2.0)


def test_keypoints_alone_are_shown_and_can_be_selected(qtbot: QtBot) -> None:
    bench = Bench(qtbot, [Annotation(1, 1, keypoints=triple())])
    assert bench.color(130, 130) != bench.color(120, 130)
    bench.click(130, 130)
    assert bench.document.selection == (1,)


def test_a_closed_canvas_is_let_go(qtbot: QtBot) -> None:
    document = Document("a.jpg", PhotoState(SIZE))
    view = CanvasView(Categories(), lambda: 1)
    view.set_document(document)
    view.set_document(None)
    gone = weakref.ref(view)
    assert gone() is not None
    document.select(())
    document.threshold = 0.9  # nobody listens, nothing breaks
    qtbot.addWidget(view)


def test_what_is_awaited_is_said_in_its_place_after_a_while(view: CanvasView, qtbot: QtBot) -> None:
    view.set_photo(None, "Opening a.jpg…")
    empty = view.grab().toImage()
    assert empty.pixelColor(5, 5) == middle(view) == QColor(view.colors.background)
    qtbot.waitUntil(lambda: view.grab().toImage() != empty)
    view.set_photo(photo())
    assert middle(view) == QColor("red")
