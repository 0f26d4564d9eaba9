"""A view that zooms to the cursor, pans and scrolls."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QNativeGestureEvent, QTransform
from PySide6.QtWidgets import QFrame, QGestureEvent, QGraphicsScene, QGraphicsView, QPinchGesture

from annotator.canvas.camera import Camera
from annotator.canvas.gestures import Gesture
from dataset.i18n import mark

if TYPE_CHECKING:
    from PySide6.QtGui import QMouseEvent, QResizeEvent, QWheelEvent
    from PySide6.QtWidgets import QWidget

MAX_SCALE = 64.0
MIN_SCALE = 1 / 8  # of the view, when zoomed out all the way
_STEP = 1.25  # per notch of the wheel, per key
NOTCH = 120.0  # QWheelEvent's unit
_SCROLL = 64.0  # pixels per notch
_PINCH_WHEEL = 0.01  # a trackpad's Ctrl+scroll: exponent per pixel
_FIT_MARGIN = 12  # pixels around a photo that fits
GESTURES = (
    Gesture(mark("Ctrl+wheel"), mark("zoom")),
    Gesture(mark("Space and drag, or middle button"), mark("move the photo")),
    Gesture(mark("Wheel"), mark("scroll")),
    Gesture(mark("Shift+wheel"), mark("scroll sideways")),
)
"""Whatever tool is in hand."""


class ZoomPanView(QGraphicsView):
    """Shows a rectangle (0, 0, width, height), the photo, and lets the person move about in it.

    The scale is in logical pixels per photo pixel. As long as nobody zoomed, the photo fits the view, also when the
    view changes its size.
    """

    zoom_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setScene(QGraphicsScene(self))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setResizeAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.viewport().grabGesture(Qt.GestureType.PinchGesture)
        self._photo_size = (0, 0)
        self._fits = True
        self._pan_from: QPoint | None = None
        self._space = False

    @property
    def scale_factor(self) -> float:
        """Logical pixels per photo pixel."""
        return self.transform().m11()

    def camera(self) -> Camera:
        """Return where the photo is on the screen now."""
        matrix = self.viewportTransform()
        return Camera(matrix.m11(), matrix.dx(), matrix.dy(), self.devicePixelRatioF())

    # Zoom

    def set_photo_size(self, size: tuple[int, int]) -> None:
        """Show a photo of that size in pixels. A photo of another size than before is fitted unless the zoom stays."""
        if size == self._photo_size:
            return
        centre = self.camera().to_photo(QRectF(self.viewport().rect()).center())
        share = [at / max(1, old) for at, old in zip(centre.toTuple(), self._photo_size, strict=True)]
        self._photo_size = size
        if self._fits:
            self.fit()
        else:  # the same part of the photo, for going through a series
            self._set_scale(self.scale_factor)
            self._show(QPointF(share[0] * size[0], share[1] * size[1]))

    def fit(self) -> None:
        """Show the whole photo, and keep showing it whole when the view changes its size."""
        self._fits = True
        self._set_scale(self._fit_scale())
        self._show(QPointF(self._photo_size[0] / 2, self._photo_size[1] / 2))

    def actual_size(self) -> None:
        """One photo pixel per logical pixel, around what is in the middle."""
        self.zoom_to(1.0)

    def zoom_in(self) -> None:
        """One step nearer."""
        self.zoom_to(self.scale_factor * _STEP)

    def zoom_out(self) -> None:
        """One step away."""
        self.zoom_to(self.scale_factor / _STEP)

    def zoom_to(self, scale: float, anchor: QPointF | None = None) -> None:
        """Zoom so that the photo's point at `anchor` (viewport pixels; default the middle) stays where it is."""
        if not all(self._photo_size):
            return
        smallest = self._fit_scale() * MIN_SCALE
        scale = min(max(scale, smallest), max(MAX_SCALE, self._fit_scale()))
        anchor = anchor or QRectF(self.viewport().rect()).center()
        fixed = self.camera().to_photo(anchor)
        self._fits = False
        self._set_scale(scale)
        self._scroll_by(self.camera().point_to_view(fixed.x(), fixed.y()) - anchor)

    def zoom_to_box(self, box: tuple[float, float, float, float]) -> None:
        """Show a part (x0, y0, x1, y1) of the photo with some room around it."""
        x0, y0, x1, y1 = box
        width, height = max(x1 - x0, 1.0), max(y1 - y0, 1.0)
        scale = 0.7 * min(self.viewport().width() / width, self.viewport().height() / height)
        self.zoom_to(min(scale, MAX_SCALE / 4))
        self._show(QPointF((x0 + x1) / 2, (y0 + y1) / 2))

    def _fit_scale(self) -> float:
        width, height = self._photo_size
        if not width or not height:
            return 1.0
        room = self.viewport().size()
        across, down = room.width() - 2 * _FIT_MARGIN, room.height() - 2 * _FIT_MARGIN
        return max(min(across / width, down / height), 1e-3)

    def _set_scale(self, scale: float) -> None:
        changed = not math.isclose(scale, self.scale_factor, rel_tol=1e-9)
        self._set_limits(scale)
        if changed:
            self.setTransform(QTransform.fromScale(scale, scale))
        self._view_changed()
        if changed:
            self.zoom_changed.emit(scale)

    def _set_limits(self, scale: float) -> None:
        """Any edge of the photo can be scrolled to the middle of the view."""
        width, height = self._photo_size
        spare_x, spare_y = self.viewport().width() / 2 / scale, self.viewport().height() / 2 / scale
        self.setSceneRect(-spare_x, -spare_y, width + 2 * spare_x, height + 2 * spare_y)

    def _show(self, centre: QPointF) -> None:
        at = self.camera().point_to_view(centre.x(), centre.y())
        self._scroll_by(at - QRectF(self.viewport().rect()).center())

    def _scroll_by(self, delta: QPointF) -> None:
        across, down = self.horizontalScrollBar(), self.verticalScrollBar()
        across.setValue(across.value() + round(delta.x()))
        down.setValue(down.value() + round(delta.y()))

    def _view_changed(self) -> None:
        """Everything has to be painted anew: the scale or the size of the view changed."""
        self.viewport().update()

    # Events

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep a photo that fits fitting, and otherwise the middle in the middle."""
        centre = self.camera().to_photo(QRectF(QPointF(), event.oldSize()).center())
        super().resizeEvent(event)
        if self._fits:
            self.fit()
        else:
            self._set_limits(self.scale_factor)
            self._show(centre)
            self._view_changed()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll; with Shift sideways; with Ctrl zoom to the cursor."""
        pixels, angle = event.pixelDelta(), event.angleDelta()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            notches = (angle.y() or angle.x()) / NOTCH
            power = pixels.y() * _PINCH_WHEEL if not pixels.isNull() else notches * math.log(_STEP)
            self.zoom_to(self.scale_factor * math.exp(power), event.position())
        else:
            moved = QPointF(pixels) if not pixels.isNull() else QPointF(angle) * (_SCROLL / NOTCH)
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not moved.x():
                moved = QPointF(moved.y(), 0.0)
            self._pan_by(-moved)
        event.accept()

    def viewportEvent(self, event: QEvent) -> bool:
        """Pinch on trackpads and touch screens."""
        if isinstance(event, QNativeGestureEvent):
            return self._native_gesture(event) or super().viewportEvent(event)
        if isinstance(event, QGestureEvent):
            pinch = event.gesture(Qt.GestureType.PinchGesture)
            if isinstance(pinch, QPinchGesture):
                self.zoom_to(self.scale_factor * pinch.scaleFactor(), QPointF(self.mapFromGlobal(pinch.centerPoint())))
                event.accept(pinch)
                return True
        return super().viewportEvent(event)

    def _native_gesture(self, event: QNativeGestureEvent) -> bool:
        if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self.zoom_to(self.scale_factor * (1.0 + event.value()), event.position())
        elif event.gestureType() == Qt.NativeGestureType.SmartZoomNativeGesture:
            if self._fits:
                self.zoom_to(max(1.0, 2 * self.scale_factor), event.position())
            else:
                self.fit()
        else:
            return False
        return True

    # Pan with Space or the middle button. The subclass calls these first, before its tools get the event.

    @property
    def panning(self) -> bool:
        """Whether the photo is being dragged."""
        return self._pan_from is not None

    def hold_space(self, *, down: bool) -> None:
        """Space is held: the left button pans."""
        self._space = down
        self._update_cursor()

    def pan_press(self, event: QMouseEvent) -> bool:
        """Start to pan, if this press does."""
        button = event.button()
        if button == Qt.MouseButton.MiddleButton or (button == Qt.MouseButton.LeftButton and self._space):
            self._pan_from = event.position().toPoint()
            self._update_cursor()
            return True
        return False

    def pan_move(self, event: QMouseEvent) -> bool:
        """Follow the cursor while panning."""
        if self._pan_from is None:
            return False
        here = event.position().toPoint()
        self._pan_by(QPointF(self._pan_from - here))
        self._pan_from = here
        return True

    def pan_release(self) -> bool:
        """End panning."""
        if self._pan_from is None:
            return False
        self._pan_from = None
        self._update_cursor()
        return True

    def _pan_by(self, delta: QPointF) -> None:
        if not delta.isNull():
            self._fits = False
            self._scroll_by(delta)

    def _update_cursor(self) -> None:
        if self._pan_from is not None:
            self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
        elif self._space:
            self.viewport().setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            self.viewport().setCursor(self._tool_cursor())

    def _tool_cursor(self) -> Qt.CursorShape:
        return Qt.CursorShape.ArrowCursor
