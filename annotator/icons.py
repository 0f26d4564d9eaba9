"""The icons, drawn in the colours of the theme that is on when they are painted.

Each is an SVG file in resources/icons on a grid of 24, in strokes of `currentColor`. An icon is drawn from its outline
at whatever size and density it is asked for, so it stays crisp, and follows the theme without being set again.
"""

from __future__ import annotations

from functools import cache, lru_cache

from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from annotator import theme
from resources import FOLDER

_FOLDER = FOLDER / "icons"
_OWN_COLORS = ("annotator", "flat-")  # drawn as they are


@cache
def icon(name: str, tone: str = "icon") -> QIcon:
    """Return the icon of that name, in the theme's colour `tone`; a checked one is accented, a disabled one pale.

    Raises:
        ValueError: there is no such icon, or no such colour.
    """
    if name not in names():
        raise ValueError(f"There is no icon “{name}”.")
    if tone not in theme.color_names():
        raise ValueError(f"There is no colour “{tone}”.")
    return QIcon(_Engine(name, tone))


@cache
def names() -> frozenset[str]:
    """Return all icons there are."""
    return frozenset(path.stem for path in _FOLDER.glob("*.svg"))


def product_icon() -> QIcon:
    """Return the application's own icon."""
    return icon("annotator")


def paint(painter: QPainter, name: str, rect: QRect | QRectF, color: str) -> None:
    """Draw the icon in a colour, "#rrggbb", filling `rect`."""
    _renderer(name, color).render(painter, QRectF(rect))


def pixmap(name: str, size: int, color: str, ratio: float = 1.0) -> QPixmap:
    """Return the icon in a colour as a square of `size` device-independent pixels at that density."""
    made = QPixmap(round(size * ratio), round(size * ratio))
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    paint(painter, name, QRect(0, 0, size, size), color)
    painter.end()
    return made


@cache
def _source(name: str) -> str:
    return (_FOLDER / f"{name}.svg").read_text(encoding="utf-8")


@lru_cache(maxsize=512)
def _renderer(name: str, color: str) -> QSvgRenderer:
    renderer = QSvgRenderer(QByteArray(_source(name).replace("currentColor", color).encode()))
    renderer.setAspectRatioMode(Qt.AspectRatioMode.KeepAspectRatio)
    return renderer


class _Engine(QIconEngine):
    """Draws one icon whenever Qt paints it."""

    def __init__(self, name: str, tone: str) -> None:
        super().__init__()
        self._name = name
        self._tone = tone

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        paint(painter, self._name, rect, self._color(mode, state))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        made = QPixmap(size)
        made.fill(Qt.GlobalColor.transparent)
        painter = QPainter(made)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return made

    def key(self) -> str:
        return "annotator"

    def iconName(self) -> str:
        return self._name

    def isNull(self) -> bool:
        return False

    def clone(self) -> QIconEngine:
        copy = _Engine(self._name, self._tone)
        _clones.append(copy)  # Qt takes it over, and Python would free it
        return copy

    def _color(self, mode: QIcon.Mode, state: QIcon.State) -> str:
        colors = theme.current()
        if self._name.startswith(_OWN_COLORS):
            return colors.icon
        if mode == QIcon.Mode.Disabled:
            return colors.disabled
        if state == QIcon.State.On:
            return colors.accent
        return getattr(colors, self._tone)


_clones: list[QIconEngine] = []
