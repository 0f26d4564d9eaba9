from __future__ import annotations

import pytest
from PySide6.QtCore import QRect, QSize
from PySide6.QtGui import QColor, QImage, QPainter

from annotator.canvas.backdrop import Backdrop
from annotator.canvas.camera import Camera

pytestmark = pytest.mark.usefixtures("qapp")


class Page:
    """A backdrop of 100 x 80 over a pattern that can scroll; remembers what was painted."""

    def __init__(self, ratio: float = 1.0) -> None:
        self.ratio, self.offset, self.painted = ratio, 0, []
        self.camera = Camera(ratio=ratio)
        self.backdrop = Backdrop(self._paint, lambda painter, rect: painter.fillRect(rect, QColor("#123456")))
        self.backdrop.resize(QSize(100, 80), ratio)

    def _paint(self, painter: QPainter, rect: QRect) -> None:
        self.painted.append(rect)
        for x in range(-200, 300, 10):
            painter.fillRect(QRect(x + self.offset, 0, 10, 80), QColor((x * 7) % 256, 50, 90))

    def show(self, exposed: QRect | None = None) -> QImage:
        image = QImage(int(100 * self.ratio), int(80 * self.ratio), QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(self.ratio)
        image.fill(0)
        painter = QPainter(image)
        self.backdrop.draw(painter, exposed or QRect(0, 0, 100, 80), self.camera)
        painter.end()
        return image

    def fresh(self) -> QImage:
        page = Page(self.ratio)
        page.offset = self.offset
        return page.show()


def test_what_is_not_stale_is_not_painted_again() -> None:
    page = Page()
    first = page.show()
    assert page.painted == [QRect(0, 0, 100, 80)]
    assert page.show() == first == page.fresh()
    assert len(page.painted) == 1


def test_only_the_stale_rectangle_is_painted_and_only_when_it_is_exposed() -> None:
    page = Page()
    page.show()
    page.backdrop.invalidate(QRect(10, 10, 5, 5))
    page.show(QRect(50, 50, 10, 10))
    assert len(page.painted) == 1
    page.show()
    assert page.painted[1:] == [QRect(10, 10, 5, 5)]


@pytest.mark.parametrize("ratio", [1.0, 1.25, 1.5, 2.0])
@pytest.mark.parametrize("step", [-130, -7, 4, 33])
def test_scrolled_it_looks_as_if_painted_anew(ratio: float, step: int) -> None:
    page = Page(ratio)
    page.show()
    page.offset = step
    page.backdrop.scroll(step, 0)
    assert page.show() == page.fresh()


def test_scrolling_paints_only_the_strip_that_came_into_view() -> None:
    page = Page()
    page.show()
    page.offset = -6
    page.backdrop.scroll(-6, 0)
    page.show()
    assert page.painted[1:] == [QRect(94, 0, 6, 80)]


def test_what_was_stale_stays_so_where_it_scrolls_to() -> None:
    page = Page()
    page.show()
    page.backdrop.invalidate(QRect(10, 10, 5, 5))
    page.offset = 20
    page.backdrop.scroll(20, 0)
    page.show(QRect(20, 0, 80, 80))
    assert page.painted[1:] == [QRect(30, 10, 5, 5)]


def test_another_size_is_painted_anew_the_same_size_is_not() -> None:
    page = Page()
    page.show()
    page.backdrop.resize(QSize(100, 80), 1.0)
    page.show()
    assert len(page.painted) == 1
    page.backdrop.resize(QSize(50, 80), 1.0)
    page.show(QRect(0, 0, 50, 80))
    assert page.painted[1:] == [QRect(0, 0, 50, 80)]


def test_by_bands_it_is_drafted_then_painted_a_band_at_a_time() -> None:
    page = Page()
    page.show()
    page.painted.clear()
    page.backdrop.invalidate_by_bands(keeps=False)
    draft = page.show()
    assert page.painted == []
    assert page.backdrop.is_drafted
    assert {QColor(draft.pixel(x, 40)).name() for x in range(100)} == {"#123456"}
    for row in range(10):
        assert page.backdrop.refine() == QRect(0, 8 * row, 100, 8)
        page.show()
    assert page.painted == [QRect(0, 8 * row, 100, 8) for row in range(10)]
    assert not page.backdrop.is_drafted
    assert page.show() == page.fresh()


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_the_draft_of_a_zoom_is_what_was_there_before_zoomed(ratio: float) -> None:
    page = Page(ratio)
    before = page.show()
    page.backdrop.invalidate_by_bands(keeps=True)
    page.backdrop.scroll(13, 0)  # on the way to the new camera
    page.camera = Camera(0.5, 20.0, 10.0, ratio)
    draft = page.show()

    def colour(image: QImage, x: int, y: int) -> str:
        return QColor(image.pixel(int(x * ratio), int(y * ratio))).name()

    assert colour(draft, 20 + 7, 10 + 20) == colour(before, 15, 40)
    assert colour(draft, 20 + 42, 10 + 5) == colour(before, 85, 10)
    for x, y in ((10, 40), (80, 40), (40, 5), (40, 60)):
        assert colour(draft, x, y) == "#123456"  # nothing was there


def test_what_changes_in_a_draft_is_painted_at_once_and_scrolls_with_it() -> None:
    page = Page()
    page.show()
    page.painted.clear()
    page.backdrop.invalidate_by_bands(keeps=True)
    page.show()
    page.backdrop.invalidate(QRect(0, 0, 100, 40))
    page.show()
    assert page.painted == [QRect(0, 0, 100, 40)]
    assert page.backdrop.refine() == QRect(0, 40, 100, 8)
    page.show()
    page.offset += 10
    page.backdrop.scroll(10, 0)
    page.show()
    assert page.backdrop.is_drafted
    while page.backdrop.is_drafted:
        page.backdrop.refine()
    assert page.show() == page.fresh()
    page.backdrop.invalidate_by_bands(keeps=True)
    page.backdrop.invalidate()
    assert page.show() == page.fresh()
    assert not page.backdrop.is_drafted


def test_of_another_size_nothing_is_kept_for_a_draft() -> None:
    page = Page()
    page.show()
    page.backdrop.resize(QSize(120, 80), 1.0)
    page.backdrop.invalidate_by_bands(keeps=True)
    assert QColor(page.show().pixel(50, 40)).name() == "#123456"
