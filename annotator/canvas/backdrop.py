"""What lies still under the cursor, kept as pixels: the photo and the shapes that nobody is working on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, QSizeF
from PySide6.QtGui import QPainter, QPixmap, QRegion, QTransform

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.canvas.camera import Camera

_MANY_RECTS = 64  # a region of more of them costs more than what it saves
_BANDS = 10  # in which a draft is painted anew


class Backdrop:
    """A pixmap of the viewport that repaints only what became stale.

    Hovering or dragging then costs one copy of the exposed rectangle, and panning the strip that came into view.
    Where painting all of it would take too long it is drafted, from what was there before, and then painted band by
    band. All rectangles are in logical viewport pixels.
    """

    def __init__(self, paint: Callable[[QPainter, QRect], None], draft: Callable[[QPainter, QRect], None]) -> None:
        """`paint` paints a rectangle, `draft` what of it takes no time."""
        self._paint, self._paint_draft = paint, draft
        self._pixmap = QPixmap()
        self._camera: Camera | None = None  # of what is on the pixmap
        self._size = QSize()
        self._stale = QRegion()
        self._drafted = QRegion()
        self._awaits_draft = False

    def resize(self, size: QSize, ratio: float) -> None:
        """Follow the viewport's size and device pixel ratio. Everything is stale where they differ from before."""
        if size == self._size and ratio == self._pixmap.devicePixelRatio():
            return
        self._size = QSize(size)
        self._pixmap = QPixmap((QSizeF(size) * ratio).toSize())
        self._pixmap.setDevicePixelRatio(ratio)
        self._camera = None
        self.invalidate()

    def invalidate(self, rect: QRect | None = None) -> None:
        """Paint that rectangle, or everything, anew when it is next shown."""
        everything = QRect(0, 0, self._size.width(), self._size.height())
        self._stale += everything if rect is None else rect & everything
        self._drafted -= self._stale
        self._awaits_draft &= rect is not None
        if self._stale.rectCount() > _MANY_RECTS:
            self._stale = QRegion(self._stale.boundingRect())

    def invalidate_by_bands(self, *, keeps: bool) -> None:
        """Draft everything when it is next shown, after which `refine` paints it anew, a band at a time.

        `keeps`: What is there now, zoomed as the photo is then, is a part of the draft.
        """
        if not keeps:
            self._camera = None
        self._awaits_draft = True

    @property
    def is_drafted(self) -> bool:
        """Whether there is, or is to be, something for `refine`."""
        return self._awaits_draft or not self._drafted.isEmpty()

    def refine(self) -> QRect:
        """Have the next band of the draft painted when it is next shown; return where that is."""
        left = self._drafted.boundingRect()
        band = QRect(left.left(), left.top(), left.width(), max(1, self._size.height() // _BANDS))
        self._stale += self._drafted & band
        self._drafted -= band
        return band & left

    def scroll(self, dx: int, dy: int) -> None:
        """Move the content, so that only the strip that comes into view is stale."""
        if self._awaits_draft:
            return  # the draft is made of what is there, where it is
        ratio = self._pixmap.devicePixelRatio()
        steps = dx * ratio, dy * ratio
        everything = QRect(0, 0, self._size.width(), self._size.height())
        if not all(step.is_integer() for step in steps) or self._pixmap.isNull():
            self.invalidate()
            return
        self._pixmap.scroll(int(steps[0]), int(steps[1]), self._pixmap.rect())
        self._drafted = self._drafted.translated(dx, dy) & everything
        self._stale = (self._stale.translated(dx, dy) & everything) + (
            QRegion(everything) - everything.translated(dx, dy)
        )

    def draw(self, painter: QPainter, exposed: QRect, camera: Camera) -> None:
        """Copy the rectangle, painted anew where it was stale. The photo is where the camera says."""
        if self._awaits_draft:
            self._draft(camera)
        self._camera = camera
        fresh = self._stale & exposed
        if not fresh.isEmpty():
            self._stale -= fresh
            onto = QPainter(self._pixmap)
            onto.setClipRegion(fresh)
            self._paint(onto, fresh.boundingRect())
            onto.end()
        ratio = self._pixmap.devicePixelRatio()
        source = QRectF(QPointF(exposed.topLeft()) * ratio, QSizeF(exposed.size()) * ratio)
        painter.drawPixmap(QRectF(exposed), self._pixmap, source)

    def _draft(self, camera: Camera) -> None:
        before, self._pixmap = self._pixmap, QPixmap(self._pixmap.size())
        self._pixmap.setDevicePixelRatio(before.devicePixelRatio())
        everything = QRect(0, 0, self._size.width(), self._size.height())
        onto = QPainter(self._pixmap)
        self._paint_draft(onto, everything)
        if self._camera is not None:
            old = self._camera
            zoom = camera.scale / old.scale
            onto.setTransform(QTransform(zoom, 0, 0, zoom, camera.dx - old.dx * zoom, camera.dy - old.dy * zoom))
            onto.drawPixmap(0, 0, before)
        onto.end()
        self._awaits_draft, self._stale, self._drafted = False, QRegion(), QRegion(everything)
