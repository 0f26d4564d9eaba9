"""The eraser: strokes cut from the selected objects, or from whatever is under them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from annotator.canvas.gestures import CANCEL, Gesture, hint_of
from annotator.canvas.tools.drawing import CUT_COLOR
from annotator.canvas.tools.strokes import SIZE, StrokeTool
from annotator.core import strokes
from dataset.i18n import mark, tr

if TYPE_CHECKING:
    from annotator.core.edits import Edit

_ERASE_ALL = Gesture(mark("Drag"), mark("erase from every object under the eraser"))
_ERASE = Gesture(mark("Drag"), mark("erase from the selected {name}"))
_ERASE_SELECTED = Gesture(mark("Drag"), mark("erase from the selected objects"))
_FROM_ALL = Gesture(mark("Esc"), mark("erase from all"))


class EraserTool(StrokeTool):
    """Erases from the selected objects; with none selected, from all that are shown and not locked."""

    name: ClassVar[str] = "eraser"
    title: ClassVar[str] = mark("Erase")
    tip: ClassVar[str] = mark("Erase from the selected objects; with none selected, from all under the eraser")
    keys: ClassVar[tuple[str, ...]] = ("E",)
    icon: ClassVar[str] = "eraser"
    gestures: ClassVar[tuple[Gesture, ...]] = (_ERASE_ALL, _ERASE, SIZE, _FROM_ALL, CANCEL)
    draws: ClassVar[bool] = False

    @property
    def color(self) -> str:
        """The colour of what goes."""
        return CUT_COLOR

    def edit_of(self, stroke: strokes.Stroke) -> Edit | None:
        """Cut the stroke from the objects."""
        document, content = self.canvas.document, self.canvas.content
        if document is None:
            return None
        records = content.selected or content.unlocked
        return strokes.erase_from(document, records, stroke.region(), self.canvas.new_id)

    def hint(self) -> str:
        """Return what a stroke does now."""
        selected = self.canvas.content.selected
        if self._missed and not self.busy:
            if selected:
                return hint_of(tr("Nothing erased: the stroke did not meet what is selected"), _FROM_ALL)
            return tr("Nothing erased: the stroke met no object")
        if not selected:
            return self.stroke_hint(_ERASE_ALL.hint())
        if len(selected) > 1:
            return self.stroke_hint(_ERASE_SELECTED.hint(), _FROM_ALL.hint())
        name = self.canvas.content.category(selected[-1]).name
        return self.stroke_hint(_ERASE.hint(name=name), _FROM_ALL.hint())
