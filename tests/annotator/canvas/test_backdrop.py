from __future__ import annotations

import pytest
from PySide6.QtCore import QRect, QSize
from PySide6.QtGui import QColor, QImage, QPainter

from annotator.canvas.backdrop import Backdrop

pytestmark = pytest.mark.usefixtures("qapp")


class Page:
    """A backdrop of 100 x 80 over a pattern that can scroll; remembers what was painted."""

    def __init__(self, ratio: float = 1.0) -> None:
        self.ratio, self.offset, self.painted = ratio, 0, []
        self.backdrop = Backdrop(self._paint)
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
        self.backdrop.draw(painter, exposed or QRect(0, 0, 100, 80))
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
