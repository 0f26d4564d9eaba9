"""What the brush and the eraser have in common: a stroke with the button held, and how it looks until its release."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from annotator.canvas.camera import qpoints
from annotator.canvas.gestures import CANCEL, Gesture, hint_of
from annotator.canvas.style import pen
from annotator.canvas.tools.base import Pointer, Tool
from annotator.core.strokes import Stroke
from dataset.i18n import mark, tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QKeyEvent

    from annotator.canvas.camera import Camera
    from annotator.canvas.tools.base import ToolHost
    from annotator.core.edits import Edit

SIZE = Gesture(mark("Shift+wheel"), mark("size"))
_OPACITY = 0.5  # of a stroke that is being drawn
_REACH = 3.0  # screen pixels that the circle's line, and a stroke's smooth edge, reach out


class StrokeTool(Tool):
    """Draws a stroke while the button is held, and hands over the pixels that it painted as one edit."""

    has_size: ClassVar[bool] = True

    def __init__(self, canvas: ToolHost) -> None:
        super().__init__(canvas)
        self._at: Pointer | None = None
        self._stroke: Stroke | None = None
        self._preview = StrokePreview()
        self._missed = False  # whether the stroke before changed nothing

    @property
    def color(self) -> str:
        """The colour of the stroke."""
        return self.canvas.draw_color

    @property
    def busy(self) -> bool:
        """Whether a stroke is being drawn."""
        return self.holds

    @property
    def holds(self) -> bool:
        """Whether a stroke is being drawn."""
        return self._stroke is not None

    @property
    def cursor(self) -> Qt.CursorShape:
        """None: the circle is the cursor, where it is large enough to be one."""
        return Qt.CursorShape.BlankCursor if self._radius > _REACH else Qt.CursorShape.CrossCursor

    @property
    def _radius(self) -> float:
        return self.canvas.brush_size / 2 * self.canvas.scale_factor

    # Gestures

    def may_begin(self) -> bool:
        """Return whether a stroke can begin; if not, what is missing is said."""
        return True

    def edit_of(self, stroke: Stroke) -> Edit | None:
        """Return what becomes of the document with the stroke, None for nothing."""
        raise NotImplementedError

    def press(self, at: Pointer) -> None:
        """Begin a stroke."""
        document = self.canvas.document
        self._at, self._missed = at, False
        if document is None or not self.may_begin():
            return
        self._stroke = Stroke(self.canvas.brush_size, document.size)
        self._preview.begin(document.size, self.color)
        self._extend(at)

    def move(self, at: Pointer) -> None:
        """Go on with the stroke."""
        self._at = at
        if self._stroke is not None and at.down:
            self._extend(at)

    def release(self, at: Pointer) -> None:
        """Hand over the stroke."""
        self._at = at
        if self._stroke is not None and (at.x, at.y) != self._stroke.points[-1]:
            self._extend(at)
        self.finish()

    def takes_key(self, event: QKeyEvent) -> bool:
        """Return True for Escape while an object is selected; the next one is the window's."""
        document = self.canvas.document
        return event.key() == Qt.Key.Key_Escape and document is not None and bool(document.selection)

    def key_press(self, event: QKeyEvent) -> bool:
        """Escape lets go of the selected objects, so that a stroke begins a new one, or meets all."""
        document = self.canvas.document
        if document is None or not self.takes_key(event):
            return False
        document.select(())
        return True

    def refresh(self) -> None:
        """Another stroke is another matter."""
        self._missed = False

    def leave(self) -> None:
        """No circle is shown."""
        self._at = None

    def finish(self) -> None:
        """Hand over the stroke as it is."""
        stroke = self._stroke
        self.cancel()
        if stroke is not None:
            edit = self.edit_of(stroke)
            self._missed = edit is None
            if edit is not None:
                self.canvas.commit(edit)

    def cancel(self) -> None:
        """Give up the stroke: nothing happened."""
        if self._stroke is not None:
            self._repaint(self._stroke.points)
        self._stroke = None
        self._preview.end()

    def _extend(self, at: Pointer) -> None:
        stroke = self._stroke
        if stroke is None:
            return
        stroke.add(at.x, at.y)
        self._repaint(stroke.points[-2:])

    def _repaint(self, points: Sequence[tuple[float, float]]) -> None:
        """Have the screen painted anew where a line of the stroke through these points is."""
        x, y = zip(*points, strict=True)
        reach = self._stroke.radius if self._stroke is not None else 0.0
        camera = self.canvas.camera()
        rect = camera.rect_to_view((min(x) - reach, min(y) - reach, max(x) + reach, max(y) + reach))
        rect = rect.adjusted(-_REACH, -_REACH, _REACH, _REACH)
        viewport = self.canvas.viewport()
        viewport.update(rect.toAlignedRect() & viewport.rect())

    # What is seen

    def overlay(self, camera: Camera) -> QRectF:
        """Return what the circle covers; a stroke has itself painted anew where it grew."""
        del camera
        return QRectF() if self._at is None else self._circle(self._at.view).adjusted(-_REACH, -_REACH, _REACH, _REACH)

    def paint(self, painter: QPainter, camera: Camera) -> None:
        """Paint the stroke so far, and the circle of the brush."""
        if self._stroke is not None:
            self._preview.paint(painter, camera, self._stroke, self.canvas.viewport().rect().size().toTuple())
        if self._at is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for ink, width in (("#000000", 3.5), ("#ffffff", 1.6)):
                painter.setPen(pen(ink, width))
                painter.drawEllipse(self._circle(self._at.view))

    def _circle(self, at: QPointF) -> QRectF:
        radius = max(self._radius, 1.0)
        return QRectF(at.x() - radius, at.y() - radius, 2 * radius, 2 * radius)

    def stroke_hint(self, what: str, escape: str = "") -> str:
        """Return what a stroke does, how its size is changed, and what Escape does."""
        if self.busy:
            return hint_of(tr("Release to finish"), CANCEL)
        smaller, larger = (self.canvas.key_of(name) for name in ("brush.smaller", "brush.larger"))
        keys = tr("{smaller} {larger} or", smaller=smaller, larger=larger) if smaller and larger else ""
        return hint_of(what, " ".join(filter(None, (keys, SIZE.hint()))), escape)


class StrokePreview:
    """A stroke on the screen, in an image to which each event adds a segment."""

    def __init__(self) -> None:
        self._image: QImage | None = None
        self._camera: Camera | None = None  # for which it was painted
        self._painted = 0  # points of the stroke that are in it
        self._size, self._color = (0, 0), ""

    def begin(self, size: tuple[int, int], color: str) -> None:
        """Begin a stroke of a colour on a photo of `size` (width, height)."""
        self._size, self._color = size, color
        self.end()

    def end(self) -> None:
        """Forget the stroke."""
        self._image = self._camera = None
        self._painted = 0

    def paint(self, painter: QPainter, camera: Camera, stroke: Stroke, view: tuple[int, int]) -> None:
        """Paint the stroke into a view of (width, height) viewport pixels."""
        if self._image is None or camera != self._camera or self._image.deviceIndependentSize().toTuple() != view:
            self._image = QImage(
                round(view[0] * camera.ratio), round(view[1] * camera.ratio), QImage.Format.Format_ARGB32_Premultiplied
            )
            self._image.setDevicePixelRatio(camera.ratio)
            self._image.fill(Qt.GlobalColor.transparent)
            self._camera, self._painted = camera, 0
        self._add(self._image, camera, stroke)
        painter.save()
        painter.setClipRect(camera.rect_to_view((0, 0, *self._size)), Qt.ClipOperation.IntersectClip)
        painter.setOpacity(_OPACITY)
        painter.drawImage(QPointF(), self._image)
        painter.restore()

    def _add(self, image: QImage, camera: Camera, stroke: Stroke) -> None:
        points = stroke.points[max(self._painted - 1, 0) :]
        if self._painted == len(stroke.points):
            return
        self._painted = len(stroke.points)
        ink = QPen(QColor(self._color), 2 * stroke.radius * camera.scale)
        ink.setCapStyle(Qt.PenCapStyle.RoundCap)
        ink.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(ink)
        placed = qpoints(camera.to_view(points).tolist())
        if len(placed) == 1:
            painter.drawPoint(placed[0])
        for start, end in pairwise(placed):
            painter.drawLine(start, end)
        painter.end()
