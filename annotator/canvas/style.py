"""How the canvas looks: colours from the theme, sizes in screen pixels, pens that do not scale with the zoom."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen

LINE = 1.8  # an outline at rest
ACTIVE_LINE = 2.2  # an outline that is hovered or selected
HALO = 1.0  # how far the dark halo reaches out on either side of an outline
DASH = (5.0, 4.0)  # on and off, in screen pixels
HANDLE = 8.0  # diameter of a vertex
KEYPOINT = 8.0
WEAK_KEYPOINT = 3.0  # of an object that is neither hovered nor selected
# Of an object's keypoints: warm and light against cool and dark, which colour-blind people tell apart too (the colours
# of Okabe and Ito, 2008, are orange and blue as well). Beside those, what has no side must not be of a class's orange.
SIDE_COLORS = {"left": "#ff9d2e", "right": "#2979ff"}
MIDDLE_COLOR = "#f4f4f5"
HOVER_FILL, SELECTED_FILL = 40, 32  # alpha of the fill, of 255
FONT_SIZE = 11  # pixels
CRISP_FROM = 3.0  # from this zoom on, photo pixels are squares


@dataclass(frozen=True, slots=True)
class CanvasColors:
    """What the canvas takes from the theme, each "#rrggbb". Class colours come from the categories."""

    background: str = "#2b2b2d"
    """Around the photo."""
    border: str = "#1d1d1f"
    """The hairline around the photo."""
    accent: str = "#3b82f6"
    """Rubber band and selected vertices."""
    label: str = "#161618"
    """Behind a name; painted translucent, on a photo, so dark in both themes."""
    label_text: str = "#f4f4f5"
    """The name itself."""


LIGHT = CanvasColors(background="#e4e4e7", border="#c8c8cc")
DARK = CanvasColors()


@lru_cache(maxsize=256)
def pen(color: str, width: float, alpha: int = 255, dash: tuple[float, ...] = ()) -> QPen:
    """Return a pen for a painter in viewport pixels. `dash` is in viewport pixels too. Do not change it."""
    ink = QColor(color)
    ink.setAlpha(alpha)
    made = QPen(ink, width)
    made.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if dash:
        made.setCapStyle(Qt.PenCapStyle.FlatCap)
        made.setDashPattern([length / width for length in dash])
    return made


@lru_cache(maxsize=256)
def zoomed_pen(color: str, width: float, ratio: float, alpha: int = 255, dash: tuple[float, ...] = ()) -> QPen:
    """Return the same for a painter that zooms: still `width` viewport pixels, of `ratio` device pixels each."""
    made = QPen(pen(color, width * ratio, alpha, tuple(length * ratio for length in dash)))
    made.setCosmetic(True)
    return made


@lru_cache(maxsize=256)
def fill(color: str, alpha: int) -> QColor:
    """Return a translucent colour. Do not change it."""
    made = QColor(color)
    made.setAlpha(alpha)
    return made


@lru_cache(maxsize=256)
def dot(color: str, diameter: float) -> QPen:
    """Return a pen whose points are discs of that diameter. Do not change it."""
    made = QPen(QColor(color), diameter)
    made.setCapStyle(Qt.PenCapStyle.RoundCap)
    return made
