"""Names beside shapes: small, quiet, never one over the other."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter

from annotator.canvas.hit_testing import labelled
from annotator.canvas.style import FONT_SIZE, CanvasColors, fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from annotator.canvas.hit_testing import Index
    from annotator.canvas.visible_records import VisibleRecords
    from annotator.core.annotation import Annotation

    Xy = tuple[float, float]

_PADDING = 5.0
_HEIGHT = 18.0
_GAP = 5.0  # between the label and the top of its shape
_STRIPE = 3.0  # of the class colour, at the left
_CELL = 9.0  # labels are kept apart on a grid this coarse
_ROOM = 0.6  # a name is shown unasked where its shape is at least that much of its width
_UNIFORM = 30  # objects of one class from which no name says more than the colour


class Label(NamedTuple):
    """A name and where it stands: x, y of its top left corner and its width, in pixels of a screen or zoomed photo."""

    x: float
    y: float
    width: float
    text: str
    color: str

    @property
    def rect(self) -> QRectF:
        """What it covers."""
        return QRectF(self.x, self.y, self.width, _HEIGHT)

    def moved(self, dx: float, dy: float) -> Label:
        """Return the same elsewhere."""
        return self._replace(x=self.x + dx, y=self.y + dy)

    def inside(self, rect: QRectF) -> Label:
        """Return the same, moved as little as it takes to stand in `rect`."""
        x = max(rect.left(), min(self.x, rect.right() - self.width))
        y = max(rect.top(), min(self.y, rect.bottom() - _HEIGHT))
        return self._replace(x=x, y=y)


@lru_cache(maxsize=1)
def font() -> QFont:
    """Return the labels' font. Do not change it."""
    made = QFont()
    made.setPixelSize(FONT_SIZE)
    made.setWeight(QFont.Weight.Medium)
    return made


@lru_cache(maxsize=4096)
def width_of(text: str) -> float:
    """Return how wide a label with that text is."""
    return QFontMetricsF(font()).horizontalAdvance(text) + 2 * _PADDING + _STRIPE


def _top(record: Annotation) -> Xy | None:
    """Return the highest vertex, or where there is no shape the highest keypoint; None if there is none either."""
    points = labelled(record)[1] if record.shape.is_empty else shapely.get_coordinates(record.shape)
    if not len(points):
        return None
    x, y = points[points[:, 1].argmin()].tolist()
    return x, y


def label_of(content: VisibleRecords, record: Annotation, scale: float) -> Label | None:
    """The record's label over its highest vertex and in the photo, in pixels of it zoomed. None if it covers nothing.

    At rest and active it stands at one place, so that the strong one covers the quiet one.
    """
    text = content.label(record)
    width, top = width_of(text), _top(record)
    if top is None:
        return None
    size = None if content.document is None else content.document.size
    x, y = _corner(top, width, scale, size)
    return Label(x, y, width, text, content.color(record))


def _corner(top: Sequence[float], width: float, scale: float, size: tuple[int, int] | None) -> Xy:
    """Return the top left corner of a label over a vertex, in a photo of a size, whose edge it may overlap."""
    x, y = top[0] * scale - width / 2, top[1] * scale - _HEIGHT - _GAP
    if size is None:
        return x, y
    return max(0.0, min(x, size[0] * scale - width)), max(-_HEIGHT / 2, min(y, size[1] * scale - _HEIGHT))


def place(content: VisibleRecords, scale: float) -> dict[int, Label]:
    """Labels for the records that have room for one: over its shape, in the photo, not over another label.

    Of many objects of one class, none: they say the same.
    """
    index = content.index
    if content.document is None or _is_uniform_crowd(index):
        return {}
    placed: dict[int, Label] = {}
    taken: set[tuple[int, int]] = set()  # cells of a coarse grid
    size = content.document.size
    all_tops, bounds = index.shapes.tops(), index.shapes.bounds
    middles = np.floor((all_tops * scale - (0, _GAP + _HEIGHT / 2)) / _CELL).tolist()  # the cell in a label's middle
    widths, tops = ((bounds[:, 2] - bounds[:, 0]) * scale).tolist(), all_tops.tolist()
    for row in _with_room(bounds, scale):  # what is on top has the first choice
        record = index[row]
        shaped = not record.shape.is_empty
        if shaped and tuple(middles[row]) in taken:
            continue
        text = content.label(record)
        width, top = width_of(text), tops[row] if shaped else _top(record)
        if top is None or (shaped and widths[row] < _ROOM * width):
            continue
        x, y = _corner(top, width, scale, size)
        cells = _cells(x, y, width)
        if taken.isdisjoint(cells):
            placed[record.id] = Label(x, y, width, text, content.color(record))
            taken.update(cells)
    return placed


def _is_uniform_crowd(index: Index) -> bool:
    first = index[0].category_id if len(index) > _UNIFORM else None
    return first is not None and all(record.category_id == first for record in index)


def _with_room(bounds: NDArray[np.float64], scale: float) -> list[int]:
    """Return the rows, the topmost first, whose shapes are high enough and as wide as the shortest name needs."""
    x0, y0, x1, y1 = bounds.T
    small = ((y1 - y0) * scale < 2 * _HEIGHT) | ((x1 - x0) * scale < _ROOM * (2 * _PADDING + _STRIPE))
    return np.flatnonzero(~small)[::-1].tolist()  # NaN, which is no shape, is not small


def _cells(x: float, y: float, width: float) -> list[tuple[int, int]]:
    across = range(int(x // _CELL), int((x + width) // _CELL) + 1)
    down = range(int(y // _CELL), int((y + _HEIGHT) // _CELL) + 1)
    return [(i, j) for i in across for j in down]


def paint_label(painter: QPainter, label: Label, colors: CanvasColors, *, strong: bool = False) -> None:
    """Paint a label whose position is in the painter's pixels."""
    rect = label.rect
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(fill(colors.label, 230 if strong else 168))
    painter.drawRoundedRect(rect, 3, 3)
    painter.setBrush(fill(label.color, 255))
    painter.drawRoundedRect(QRectF(rect.left(), rect.top(), _STRIPE, rect.height()), 1.5, 1.5)
    painter.setFont(font())
    painter.setPen(fill(colors.label_text, 255 if strong else 225))
    metrics = QFontMetricsF(font())
    baseline = rect.center().y() + (metrics.ascent() - metrics.descent()) / 2
    painter.drawText(QPointF(rect.left() + _STRIPE + _PADDING, baseline), label.text)
    painter.setBrush(Qt.BrushStyle.NoBrush)  # a tool that paints next would fill with it what is only outlined
