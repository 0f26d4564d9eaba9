"""A line of points: click one after another, or draw freehand with the button held."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
import shapely
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QKeyEvent, QPainter

from annotator.canvas.camera import qpoints
from annotator.canvas.gestures import Gesture
from annotator.canvas.painting import handle_diameter, handles, snap_mark
from annotator.canvas.style import ACTIVE_LINE, DASH, pen
from annotator.canvas.tools.base import ENDING_KEYS, INVERT_SNAP, GestureStep, Pointer, Points, Tool, is_plain
from dataset.i18n import mark, tr

if TYPE_CHECKING:
    from annotator.canvas.camera import Camera
    from annotator.canvas.snapping import Snap
    from annotator.canvas.tools.base import ToolHost
    from annotator.core.edits import Edit

    Xy = tuple[float, float]

FREEHAND = Gesture(mark("Hold and drag:"), mark("draw freehand"))
STRAIGHT = Gesture(mark("Ctrl"), mark("straight, not along edges"))
"""While lines follow edges."""
CLOSE_REACH = 10.0  # screen pixels from the first vertex within which a click closes
_CLOSE_FROM = 40.0  # a line smaller than this on the screen has a proportionally smaller reach
_LEAST_REACH = 1.0
_FREEHAND_STEP = 4.0  # screen pixels between the points of a freehand line
_FREEHAND_SLACK = 1.0  # how far, in screen pixels, simplifying may move a freehand line
_USED_KEYS = (*ENDING_KEYS, Qt.Key.Key_Escape, Qt.Key.Key_Backspace, Qt.Key.Key_Delete)


class Followed(NamedTuple):
    """A point to which the line goes along the edges of the photo, not straight."""

    x: float
    y: float


class PolylineTool(Tool):
    """Places points, each a step that can be undone; what they are for is the subclass's `end`."""

    min_points: ClassVar[int] = 2
    """With fewer, a double click or another tool ends nothing."""
    cancel_text: ClassVar[str] = mark("cancel line")
    """Name of the step that gives the line up, given to `mark`."""
    snaps: ClassVar[bool] = False
    """Whether its points snap to other objects, where the person has that on."""
    follows_edges: ClassVar[bool] = False
    """Whether its lines follow the edges of the photo, where the person has that on."""

    def __init__(self, canvas: ToolHost) -> None:
        super().__init__(canvas)
        self._points: Points = ()
        self._stroke: list[tuple[float, float]] = []  # the freehand line being drawn, after the last point
        self._at: Pointer | None = None
        self._held: Pointer | None = None  # where the button went down that may draw freehand
        self._before_press: Points = ()
        self._bends: dict[tuple[Xy, Xy], Points] = {}  # the vertices between a point and the `Followed` one after it
        self._is_ending = False  # the line is complete, but for edges that are still sought
        self._early: list[Pointer] = []  # presses meanwhile, which belong to the next line
        if self.follows_edges:
            canvas.magnet.ready.connect(self._follow_edges)

    # What the line is for

    @property
    def color(self) -> str:
        """The colour of the line."""
        return self.canvas.draw_color

    def may_begin(self, at: Pointer) -> bool:
        """Return whether a line can begin there."""
        del at
        return True

    def closes(self, points: Points) -> bool:
        """Return whether a click at the mouse ends the line of these points."""
        del points
        return False

    def stroke_ended(self, points: Points) -> Points | None:
        """Return what the line is if a freehand stroke has ended it, with its last point where the mouse is."""
        del points
        return None

    def end(self) -> None:
        """Hand over the line, or leave it to be gone on with."""

    def reach(self, points: Points) -> float:
        """Return how far from one of these points, in screen pixels, the mouse is still at it: less on a small line."""
        spans = (max(axis) - min(axis) for axis in zip(*points, strict=True))
        size = max(spans, default=0.0) * self.canvas.scale_factor
        return max(_LEAST_REACH, CLOSE_REACH * min(1.0, size / _CLOSE_FROM))

    def near(self, a: tuple[float, float], b: tuple[float, float], reach: float) -> bool:
        """Return whether two points are within `reach` screen pixels of each other, in either direction."""
        return max(abs(a[0] - b[0]), abs(a[1] - b[1])) * self.canvas.scale_factor <= reach

    def snapped(self, at: Pointer) -> Snap | None:
        """Return where a point at the mouse snaps; None: it is put at the mouse."""
        if not self.snaps or self.closes(self._points):
            return None
        # The key makes a magnetic line straight, and that alone.
        inverted = self.busy and at.held(INVERT_SNAP) and not (self.follows_edges and self.canvas.is_magnetic)
        return self.canvas.snap_at(at.x, at.y, inverted=inverted)

    def is_magnetic(self, at: Pointer) -> bool:
        """Return whether a click at the mouse follows the edges of the photo."""
        return self.follows_edges and self.canvas.is_magnetic and not (self.busy and at.held(INVERT_SNAP))

    def placed(self, at: Pointer) -> tuple[float, float]:
        """Return the point (x, y) that a click at the mouse puts."""
        snap = self.snapped(at)
        if snap is not None:
            return snap.x, snap.y
        point = self.clamped(at)
        return self.canvas.magnet.nearest_edge(point) if self.is_magnetic(at) else point

    def _next(self, at: Pointer) -> Xy:
        """Return the point that a click at the mouse adds."""
        closes = self.closes(self._points)
        point = self._points[0] if closes else self.placed(at)
        return Followed(*point) if self._points and self.is_magnetic(at) else point

    def _between(self, a: Xy, b: Xy) -> Points | None:
        """Return the vertices between a point and the next one; None while they are sought."""
        if not isinstance(b, Followed):
            return ()
        known = self._bends.get((a, b))
        return self.canvas.magnet.line(a, b) if known is None else known

    def outline(self) -> Points:
        """Return all vertices: the points, and those that lines have between them, as far as they are known."""
        made = list(self._points[:1])
        for a, b in pairwise(self._points):
            between = self._between(a, b)
            if between is not None and isinstance(b, Followed):
                self._bends[a, b] = between
            made += [*(between or ()), b]
        return tuple(made)

    def _end_with_edges(self) -> None:
        """End the line, as soon as all of it is known."""
        self.outline()
        self._is_ending = any(self._between(a, b) is None for a, b in pairwise(self._points))
        if not self._is_ending:
            self.end()

    def _follow_edges(self) -> None:
        if self._is_ending:
            self._end_with_edges()
        while self._early and not self._is_ending:
            at = self._early.pop(0)
            self.press(at)
            self.release(at)

    # The gesture

    @property
    def busy(self) -> bool:
        """Whether a line is begun."""
        return bool(self._points)

    @property
    def holds(self) -> bool:
        """Whether the button is held that may draw freehand."""
        return self._held is not None

    def press(self, at: Pointer) -> None:
        """Put a vertex, or end the line."""
        if self._is_ending:
            self._early.append(at)
            return
        if not self.busy and not self.may_begin(at):
            return
        self._at = at
        if not self.busy:
            self._bends = {}
        point = self._next(at)
        if self.closes(self._points):
            if isinstance(point, Followed):
                self._set((*self._points, point), tr("place vertex"))
            self._end_with_edges()
            return
        self._stroke, self._held, self._before_press = [], at, self._points
        self._set((*self._points, point), tr("place vertex"))

    def move(self, at: Pointer) -> None:
        """Draw the line to the mouse; with the button held, freehand."""
        self._at = at
        if self._held is None or not at.down or not self._points:
            return
        if not self._stroke and not at.far_from(self._held):
            return  # a click, however unsteady
        x, y = self.clamped(at)
        last_x, last_y = (self._stroke or self._points)[-1]
        if max(abs(x - last_x), abs(y - last_y)) * self.canvas.scale_factor >= _FREEHAND_STEP:
            self._stroke.append((x, y))

    def release(self, at: Pointer) -> None:
        """Keep what of the freehand line is needed for its form; it may end the line."""
        self._at = at
        self._end_stroke(released=True)

    def _end_stroke(self, *, released: bool = False) -> None:
        stroke, self._stroke, self._held = self._stroke, [], None
        if not stroke:
            return
        line = shapely.LineString([self._points[-1], *stroke])
        kept = line.simplify(_FREEHAND_SLACK / self.canvas.scale_factor).coords
        points = (*self._points, *((x, y) for x, y in kept[1:]))
        ended = self.stroke_ended(points) if released else None
        self._set(points if ended is None else ended, tr("draw line"))
        if ended is not None:
            self._end_with_edges()

    def double_click(self, at: Pointer) -> None:
        """End the line; the first click of the two has put the last vertex.

        On a small object two clicks in a row are as near to each other as a double click, and each puts a vertex.
        """
        if not self._points or not self.near(self._points[-1], self.placed(at), self.reach(self._points)):
            self.press(at)
        elif len(self._points) >= self.min_points:
            self._end_with_edges()

    def leave(self) -> None:
        """The line to the mouse ends at the last vertex."""
        super().leave()
        self._at = None

    def takes_key(self, event: QKeyEvent) -> bool:
        """Return True for Enter, Escape and Backspace while a line is begun."""
        return self.busy and event.key() in _USED_KEYS and is_plain(event)

    def key_press(self, event: QKeyEvent) -> bool:
        """End the line, give it up, take the last vertex back."""
        if not self.takes_key(event):
            return False
        if event.key() in ENDING_KEYS:
            self._end_with_edges()
        elif event.key() == Qt.Key.Key_Escape:
            self.cancel()
        else:
            self._set(self._points[:-1], tr("take back vertex"))
        return True

    def cancel(self) -> None:
        """Give up the line, which undo brings back."""
        self._early = []
        self._end_stroke()
        if self._points:
            self._set((), tr(self.cancel_text))

    def take_back(self) -> None:
        """Take back the vertex that the button put, with the freehand line."""
        self._end_stroke()
        self._set(self._before_press, tr("take back vertex"))

    def finish(self) -> None:
        """End a line that has enough vertices; fewer are nothing, which undo brings back."""
        self._end_stroke()
        if len(self._points) >= self.min_points:
            self.end()
        self.cancel()

    def _set(self, points: Points, text: str) -> None:
        before, self._points, self._is_ending = self._points, points, False
        self.canvas.record_step(GestureStep(text, before, points, self._restore))

    def _restore(self, points: Points) -> None:
        self._points, self._stroke, self._held, self._is_ending, self._early = points, [], None, False, []
        self.canvas.take_up(self.name)

    # What is seen

    @property
    def cursor(self) -> Qt.CursorShape:
        """A cross."""
        return Qt.CursorShape.CrossCursor

    def overlay(self, camera: Camera) -> QRectF:
        """Return what the line so far and the line to the mouse cover."""
        points, snap = self._line(camera), self._shown_snap()
        if snap is not None:
            points = np.concatenate((points, camera.to_view([snap[:2]])))
        if not len(points):
            return QRectF()
        x0, y0 = points.min(axis=0).tolist()
        x1, y1 = points.max(axis=0).tolist()
        return QRectF(x0, y0, x1 - x0, y1 - y0).adjusted(-CLOSE_REACH, -CLOSE_REACH, CLOSE_REACH, CLOSE_REACH)

    def paint(self, painter: QPainter, camera: Camera) -> None:
        """The line so far, and the line to the mouse."""
        if not self._points:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self.color
        line = qpoints(self._line(camera).tolist())
        fixed = len(self.outline()) + len(self._stroke)
        for made in (pen("#000000", ACTIVE_LINE + 2.0, 110), pen(color, ACTIVE_LINE)):
            painter.setPen(made)
            painter.drawPolyline(line[:fixed])
        if len(line) > fixed:
            for made in (pen("#000000", 3.0, 90), pen(color, 1.4, 255, DASH)):
                painter.setPen(made)
                painter.drawPolyline(line[fixed - 1 :])
        points = camera.to_view(self._points)
        handles(painter, points, color, handle_diameter(points))

    def paint_snap(self, painter: QPainter, camera: Camera) -> None:
        """Mark where a click puts a point that snaps."""
        snap = self._shown_snap()
        if snap is not None:
            at = camera.point_to_view(snap.x, snap.y)
            snap_mark(painter, at, self.canvas.colors.accent, is_vertex=snap.is_vertex)

    def _shown_snap(self) -> Snap | None:
        return None if self._at is None or self._held is not None else self.snapped(self._at)

    def _line(self, camera: Camera) -> np.ndarray:
        view = camera.to_view([*self.outline(), *self._stroke])
        if self._at is None or not self._points or self._is_ending:
            return view
        # Asked for also while the button is held, so that the edges are known when it is released.
        point = self._next(self._at)
        ahead = (*(self._between(self._points[-1], point) or ()), point)
        return view if self._held is not None else np.concatenate((view, camera.to_view(ahead)))


class EditingLineTool(PolylineTool):
    """Changes objects along a line; one that changes nothing is given up, and the hint says so."""

    draws: ClassVar[bool] = False

    def __init__(self, canvas: ToolHost) -> None:
        super().__init__(canvas)
        self.has_missed = False
        """Whether the line before changed nothing."""

    def edit_of(self, points: Points) -> Edit | None:
        """Return what the line does, None for nothing."""
        raise NotImplementedError

    def may_begin(self, at: Pointer) -> bool:
        """Forget the line before."""
        self.has_missed = False
        return super().may_begin(at)

    def stroke_ended(self, points: Points) -> Points | None:
        """A freehand line ends where the button is released."""
        return points

    def end(self) -> None:
        """Change what the line changes, or give it up."""
        edit = self.edit_of(self.outline())
        self.has_missed = edit is None
        if edit is None:
            self.cancel()
        else:
            self._points = ()
            self.canvas.commit(edit)
