"""The reshape tool: a line over the outline of the selected object replaces the stretch of it between its ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from annotator.canvas.tools.polyline import PolylineTool
from annotator.core import edits
from dataset.i18n import mark, tr
from dataset.redraw import redraw

if TYPE_CHECKING:
    from PySide6.QtGui import QPainter

    from annotator.canvas.camera import Camera
    from annotator.canvas.tools.base import Pointer, Points, ToolHost
    from annotator.core.annotation import Annotation
    from annotator.core.edits import Edit

_REACH = 12.0  # screen pixels from the outline within which an end of the line is at it


class ReshapeTool(PolylineTool):
    """Redraws a stretch of an outline. Id, class and keypoints stay."""

    name: ClassVar[str] = "reshape"
    title: ClassVar[str] = mark("Redraw part of an outline")
    tip: ClassVar[str] = mark(
        "Draw a line from the selected object's outline back to it: it replaces what lies between"
    )
    keys: ClassVar[tuple[str, ...]] = ("L",)
    icon: ClassVar[str] = "reshape"
    draws: ClassVar[bool] = False
    snaps: ClassVar[bool] = True
    cancel_text: ClassVar[str] = mark("cancel line")

    def __init__(self, canvas: ToolHost) -> None:
        super().__init__(canvas)
        self._missed = False  # whether the line before did not come back to the outline

    @property
    def _target(self) -> Annotation | None:
        selected = self.canvas.content.selected
        return selected[-1] if selected else None

    @property
    def color(self) -> str:
        """The colour of the object."""
        target = self._target
        return self.canvas.colors.accent if target is None else self.canvas.content.category(target).color

    def may_begin(self, at: Pointer) -> bool:
        """With nothing selected, select what is under the mouse; return whether there is something."""
        self._missed = False
        document = self.canvas.document
        if document is not None and self._target is None:
            document.select(self.canvas.shapes_at(at)[:1])
        return self._target is not None

    def stroke_ended(self, points: Points) -> Points | None:
        """A freehand line ends where the button is released."""
        return points

    def end(self) -> None:
        """Put the line in the outline; one that does not come back to it is given up, and the hint says so."""
        edit = self._redrawn(self._points)
        self._missed = edit is None
        if edit is None:
            self.cancel()
        else:
            self._points = ()
            self.canvas.commit(edit)

    def _redrawn(self, points: Points) -> Edit | None:
        document, target = self.canvas.document, self._target
        if document is None or target is None:
            return None
        shape = redraw(target.shape, points, _REACH / self.canvas.scale_factor, document.size)
        if shape is None or shape == target.shape:
            return None
        return edits.change(document, tr("redraw outline"), (target.with_shape(shape),), self.canvas.new_id)

    def paint(self, painter: QPainter, camera: Camera) -> None:
        """The line so far, and where the next point snaps."""
        super().paint(painter, camera)
        self.paint_snap(painter, camera)

    def hint(self) -> str:
        """Return what can be done now, or why the line before changed nothing."""
        if self.busy:
            return tr("Click next vertex  ·  Enter or double-click at the outline redraw it  ·  Esc cancel")
        if self._missed:
            return tr("Nothing changed: begin and end the line at the outline of the selected object")
        if self._target is None:
            return tr("Select the object whose outline is redrawn first")
        return tr("Drag a line from the outline back to it, or click its vertices")
