"""The knife: a line across objects cuts each of them in pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import shapely

from annotator.canvas.gestures import CANCEL, NEXT_VERTEX, TAKE_BACK, Gesture, hint_of
from annotator.canvas.tools.drawing import CUT_COLOR
from annotator.canvas.tools.polyline import EditingLineTool
from annotator.core import shape_edits
from dataset.i18n import mark, tr

if TYPE_CHECKING:
    from annotator.canvas.tools.base import Points
    from annotator.core.edits import Edit

_DRAG = Gesture(mark("Drag a line across an object:"), mark("cut it"))
_DRAG_ONE = Gesture(mark("Drag a line across the selected object:"), mark("cut it"))
_DRAG_ALL = Gesture(mark("Drag a line across the selected objects:"), mark("cut them"))
_CLICK = Gesture(mark("Click"), mark("place vertices of the line"))
_END = Gesture(mark("Enter or double-click:"), mark("cut"))


class KnifeTool(EditingLineTool):
    """Cuts the selected objects along a line; with none selected, the smallest one that the line crosses."""

    name: ClassVar[str] = "knife"
    title: ClassVar[str] = mark("Slice objects")
    tip: ClassVar[str] = mark("Draw a line across an object: each piece becomes an object, the largest keeps keypoints")
    keys: ClassVar[tuple[str, ...]] = ("X", "Alt+J")
    icon: ClassVar[str] = "knife"
    gestures: ClassVar[tuple[Gesture, ...]] = (_DRAG, _CLICK, _END, TAKE_BACK, CANCEL)
    cancel_text: ClassVar[str] = mark("cancel cut")

    @property
    def color(self) -> str:
        """The colour of what goes apart."""
        return CUT_COLOR

    def edit_of(self, points: Points) -> Edit | None:
        """Cut along the line."""
        document, content = self.canvas.document, self.canvas.content
        if document is None or len(set(points)) < self.min_points:
            return None
        line = shapely.LineString(points)
        crossed = [r for r in content.selected or content.unlocked if r.shape.intersects(line)]
        if content.selected:
            return shape_edits.slice_along(document, [r.id for r in crossed], points, self.canvas.new_id)
        for record in sorted(crossed, key=lambda r: r.shape.area):
            edit = shape_edits.slice_along(document, [record.id], points, self.canvas.new_id)
            if edit is not None:
                return edit
        return None

    def hint(self) -> str:
        """Return what can be done now, or that the line before crossed nothing."""
        if self.busy:
            return hint_of(NEXT_VERTEX, _END, TAKE_BACK, CANCEL)
        if self.has_missed:
            return tr("Nothing cut: begin and end the line outside of the object")
        count = len(self.canvas.content.selected)
        whole = _DRAG if not count else _DRAG_ONE if count == 1 else _DRAG_ALL
        return hint_of(whole, _CLICK)
