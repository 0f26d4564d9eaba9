"""The reshape tool: a line over the outline of the selected object replaces the stretch of it between its ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from annotator.canvas.gestures import CANCEL, NEXT_VERTEX, TAKE_BACK, Gesture, hint_of
from annotator.canvas.tools.polyline import STRAIGHT, EditingLineTool
from annotator.core import edits
from dataset.i18n import mark, tr
from dataset.redraw import redraw

if TYPE_CHECKING:
    from PySide6.QtGui import QPainter

    from annotator.canvas.camera import Camera
    from annotator.canvas.tools.base import Pointer, Points
    from annotator.core.edits import Edit

_REACH = 12.0  # screen pixels from the outline within which an end of the line is at it

_DRAG = Gesture(mark("Drag from the outline back to it:"), mark("redraw what lies between"))
_CLICK = Gesture(mark("Click"), mark("place vertices of the line"))
_END = Gesture(mark("Enter or double-click at the outline:"), mark("redraw it"))


class ReshapeTool(EditingLineTool):
    """Redraws a stretch of an outline. Id, class and keypoints stay."""

    name: ClassVar[str] = "reshape"
    title: ClassVar[str] = mark("Redraw part of an outline")
    tip: ClassVar[str] = mark(
        "Draw a line from the selected object's outline back to it: it replaces what lies between"
    )
    keys: ClassVar[tuple[str, ...]] = ("L",)
    icon: ClassVar[str] = "reshape"
    gestures: ClassVar[tuple[Gesture, ...]] = (_DRAG, _CLICK, _END, STRAIGHT, TAKE_BACK, CANCEL)
    snaps: ClassVar[bool] = True
    follows_edges: ClassVar[bool] = True

    @property
    def color(self) -> str:
        """The colour of the object."""
        target = self.canvas.content.target
        return self.canvas.colors.accent if target is None else self.canvas.content.category(target).color

    def may_begin(self, at: Pointer) -> bool:
        """With nothing selected, select what is under the mouse; return whether there is something."""
        super().may_begin(at)
        document = self.canvas.document
        if document is not None and self.canvas.content.target is None:
            document.select(self.canvas.shapes_at(at)[:1])
        return self.canvas.content.target is not None

    def edit_of(self, points: Points) -> Edit | None:
        """Put the line in the outline."""
        document, target = self.canvas.document, self.canvas.content.target
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
            return hint_of(NEXT_VERTEX, _END, STRAIGHT if self.canvas.is_magnetic else "", CANCEL)
        if self.has_missed:
            return tr("Nothing changed: begin and end the line at the outline of the selected object")
        if self.canvas.content.target is None:
            return tr("Select the object whose outline is redrawn first")
        return hint_of(_DRAG, _CLICK)
