"""Lines along the edges of the photo, for tools: sought in a thread, around the last point, at the size it is seen."""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QObject, QTimer, Signal

from annotator.core.edge_path import EdgeMap, nearest_edge

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.canvas.camera import Camera
    from annotator.canvas.image_pyramid import Excerpt, ImagePyramid

    Xy = tuple[float, float]

SIDE = 512  # pixels of the photo as it is seen, in which a line is sought: 80 ms in a thread
REACH = 5.0  # screen pixels within which a point goes to an edge
_SMALL = 4 * int(REACH) + 16  # pixels around a point that are looked at for that, with a rim for the blur
_LOOK = 8  # milliseconds between looks whether the edges are there


class _Around(NamedTuple):
    """Which edges are known: those around a point of a photo, in one of its sizes."""

    photo: weakref.ref[ImagePyramid]
    level: int
    start: Xy


@dataclass(slots=True)
class _Search:
    """The search for the edges around a point, which a thread does."""

    around: _Around
    part: Excerpt
    edges: EdgeMap | None = None
    """None also where it failed: no line, and no second try."""
    is_done: bool = False


class Magnet(QObject):
    """The edges around one point at a time; from those of another photo or scale nothing is answered."""

    ready = Signal()
    """The edges that were sought are there."""

    def __init__(self, photo: Callable[[], ImagePyramid | None], camera: Callable[[], Camera], parent: QObject) -> None:
        super().__init__(parent)
        self._photo, self._camera = photo, camera
        self._known: _Search | None = None
        self._sought: _Search | None = None
        self._last: tuple[Xy, tuple[Xy, ...]] | None = None  # the line that was asked for last, and where it ended
        self._timer = QTimer(self, interval=_LOOK)
        self._timer.timeout.connect(self._look)

    @property
    def is_seeking(self) -> bool:
        """Whether the edges around a point are being sought."""
        return self._sought is not None

    def nearest_edge(self, at: Xy) -> Xy:
        """Return the place of an edge in reach of a point, else the point."""
        photo = self._photo()
        if photo is None:
            return at
        camera = self._camera()
        part = photo.excerpt(at, _SMALL, photo.level_at(camera.scale * camera.ratio))
        found = nearest_edge(part.pixels, part.from_photo(at), max(1.0, REACH * part.across / camera.scale))
        return at if found is None else part.to_photo(found)

    def line(self, start: Xy, end: Xy) -> tuple[Xy, ...] | None:
        """Return the vertices between two points, in the photo; none where there is no edge.

        None while the edges around the start are sought, one start after the other.
        """
        photo = self._photo()
        if photo is None:
            return ()
        camera = self._camera()
        around = _Around(weakref.ref(photo), photo.level_at(camera.scale * camera.ratio), start)
        if self._known is None or self._known.around != around:
            self._seek(photo, around)
            return None
        if self._last is None or self._last[0] != end:
            part, edges = self._known.part, self._known.edges
            line = edges.path(part.from_photo(end)).tolist() if edges is not None else ()
            self._last = end, tuple(map(part.to_photo, line))
        return self._last[1]

    def _seek(self, photo: ImagePyramid, around: _Around) -> None:
        if self._sought is not None:  # what is wanted next is asked for again when that is there
            return
        part = photo.excerpt(around.start, SIDE, around.level)
        self._sought = sought = _Search(around, part)

        def seek() -> None:  # touches nothing of Qt, which may be gone when it ends
            try:
                sought.edges = EdgeMap(part.pixels, part.from_photo(around.start))
            finally:
                sought.is_done = True

        self._timer.start()
        try:
            threading.Thread(target=seek, name="edges").start()
        except RuntimeError:  # no more threads can be started
            sought.is_done = True

    def _look(self) -> None:
        if self._sought is not None and self._sought.is_done:
            self._timer.stop()
            self._known, self._last, self._sought = self._sought, None, None
            self.ready.emit()
