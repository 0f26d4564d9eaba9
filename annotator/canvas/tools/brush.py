"""The brush: strokes add to the selected object, or begin one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from annotator.canvas.gestures import CANCEL, Gesture
from annotator.canvas.tools.strokes import SIZE, StrokeTool
from annotator.core import edits, shape_edits
from annotator.core.annotation import Annotation
from dataset.geometry import CombineMode
from dataset.i18n import mark, tr

if TYPE_CHECKING:
    from annotator.core.edits import Edit
    from annotator.core.strokes import Stroke

_PAINT_NEW = Gesture(mark("Drag"), mark("paint a new object"))
_PAINT = Gesture(mark("Drag"), mark("paint onto the selected {name}"))
_NEW = Gesture(mark("Esc"), mark("new object"))


class BrushTool(StrokeTool):
    """Paints onto the selected object, of several the last; with none, a new one of the canvas's `draw_category`."""

    name: ClassVar[str] = "brush"
    title: ClassVar[str] = mark("Paint with a brush")
    tip: ClassVar[str] = mark("Paint onto the selected object; with none selected, paint a new one")
    keys: ClassVar[tuple[str, ...]] = ("B",)
    icon: ClassVar[str] = "brush"
    gestures: ClassVar[tuple[Gesture, ...]] = (_PAINT_NEW, _PAINT, SIZE, _NEW, CANCEL)

    @property
    def color(self) -> str:
        """The colour of the object."""
        target = self.canvas.content.target
        return self.canvas.draw_color if target is None else self.canvas.content.color(target)

    def may_begin(self) -> bool:
        """Return whether there is an object to paint onto, or a class for a new one."""
        if self.canvas.content.target is None and self.canvas.draw_category is None:
            self.canvas.category_needed.emit()
            return False
        return True

    def edit_of(self, stroke: Stroke) -> Edit | None:
        """Add the stroke to the object."""
        document, target = self.canvas.document, self.canvas.content.target
        category_id = self.canvas.draw_category
        region = stroke.region()
        if document is None or region.is_empty:
            return None
        if target is not None:
            return shape_edits.draw_into(document, target.id, region, CombineMode.ADD, self.canvas.new_id)
        if category_id is None:
            return None
        return edits.add(document, (Annotation(self.canvas.new_id(), category_id, region),), tr("paint object"))

    def hint(self) -> str:
        """Return what a stroke does now."""
        target = self.canvas.content.target
        if target is not None:
            name = self.canvas.content.category(target).name
            return self.stroke_hint(_PAINT.hint(name=name), _NEW.hint())
        if self.canvas.draw_category is None:
            return tr("Choose a class to draw with")
        return self.stroke_hint(_PAINT_NEW.hint())
