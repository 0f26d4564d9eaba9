"""What tools that draw have in common: what becomes of what they draw, a new object or a change of the selected one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import Qt

from annotator.canvas.gestures import Gesture, hint_of
from annotator.canvas.tools.base import Drawn, Pointer, Tool
from annotator.core import edits, shape_edits
from annotator.core.annotation import Annotation, Origin
from dataset.geometry import CombineMode
from dataset.i18n import mark, tr

if TYPE_CHECKING:
    from shapely import MultiPolygon

    from annotator.canvas.tools.base import ToolHost

MODE_GESTURES = (
    Gesture(mark("Ctrl"), mark("add to the selected")),
    Gesture(mark("Ctrl+Shift"), mark("cut out of it")),
    Gesture(mark("Alt+Shift"), mark("keep of it what is inside")),
)
"""Keys that are held as an outline is begun."""
CUT_COLOR = "#ef4444"  # what is drawn with it goes

_ADD = Qt.KeyboardModifier.ControlModifier
_SHIFT = Qt.KeyboardModifier.ShiftModifier
_ALT = Qt.KeyboardModifier.AltModifier  # many window managers take it, so it is never the only way


def held_mode(at: Pointer) -> CombineMode | None:
    """Return what the held keys make of a gesture that begins there; None where they leave it as it is."""
    if at.held(_ALT):
        return CombineMode.INTERSECT if at.held(_SHIFT) else CombineMode.SUBTRACT
    if at.held(_ADD):
        return CombineMode.SUBTRACT if at.held(_SHIFT) else CombineMode.ADD
    return None


class DrawingTool(Tool):
    """A tool whose outlines become objects, or change the selected one as `draw_mode` and held keys have it."""

    has_modes: ClassVar[bool] = True

    def __init__(self, canvas: ToolHost) -> None:
        super().__init__(canvas)
        self._held_mode: CombineMode | None = None  # by the keys held when the gesture began that runs, or ran last
        self._offered_mode: CombineMode | None = None  # by the keys that are held while none runs
        self._notice = ""  # why the gesture before did nothing

    @property
    def mode(self) -> CombineMode | None:
        """What becomes of the selected object; None: what is drawn is an object of its own."""
        return (self._held_mode if self.busy else self._offered_mode) or self.canvas.draw_mode

    @property
    def target(self) -> Annotation | None:
        """The object that a mode changes: the selected one, of several the one with handles."""
        return self.canvas.content.target

    @property
    def color(self) -> str:
        """The colour of what is drawn: what is cut is red, what is added has the object's colour."""
        target = self.target
        if self.mode is CombineMode.SUBTRACT:
            return CUT_COLOR
        if self.mode is CombineMode.INTERSECT:
            return self.canvas.colors.accent
        if self.mode is CombineMode.ADD and target is not None:
            return self.canvas.content.category(target).color
        return self.canvas.draw_color

    @property
    def cursor(self) -> Qt.CursorShape:
        """A cross; a barred circle where a mode has no object to change."""
        return Qt.CursorShape.ForbiddenCursor if self._lacks_target else Qt.CursorShape.CrossCursor

    @property
    def is_refused(self) -> bool:
        """Whether the gesture before changed nothing, which the hint says."""
        return bool(self._notice)

    @property
    def _lacks_target(self) -> bool:
        return self.mode is not None and self.target is None

    def take_mode(self, at: Pointer) -> None:
        """Follow the keys held over the photo, for the next gesture."""
        self._offered_mode = held_mode(at)

    def leave(self) -> None:
        """No keys are held over the photo."""
        super().leave()
        self._offered_mode = None

    def may_begin(self, at: Pointer) -> bool:
        """Return whether a gesture can begin there, and take its mode; if not, what is missing is said."""
        self._held_mode = self._offered_mode = held_mode(at)
        self._notice = ""
        if self.mode is None and self.canvas.draw_category is None:
            self.canvas.category_needed.emit()
            return False
        return not self._lacks_target

    def hand_over(self, outline: MultiPolygon, text: str, *, is_box: bool = False) -> Drawn | None:
        """Put what was drawn on record, under the name `text` where it is a new object.

        Returns what is on record for it; None if that is nothing.
        """
        self._notice = ""
        document, target, mode = self.canvas.document, self.target, self._held_mode or self.canvas.draw_mode
        if document is None or (target is None if mode else self.canvas.draw_category is None):
            return None
        if mode is None:
            assert self.canvas.draw_category is not None
            new = Annotation(self.canvas.new_id(), self.canvas.draw_category, outline, (), Origin.DRAWN, is_box=is_box)
            self.canvas.commit(edits.add(document, (new,), text))
            return Drawn(new.id, outline, new.category_id)
        assert target is not None
        edit = shape_edits.draw_into(document, target.id, outline, mode, self.canvas.new_id)
        if edit is None:
            self._notice = _unchanged(mode)
            return None
        left = [after.id for _, after in edit.annotations.values() if after is not None]
        self.canvas.commit(edit)
        return Drawn(left[0], outline, target.category_id, target, mode) if left else None

    def mode_hint(self) -> str:
        """Return what becomes of what is drawn, or why nothing does; "" where it is a new object as ever."""
        target, mode = self.target, self.mode
        if self._notice and not self.busy:
            return self._notice
        if mode is None:
            if self.canvas.draw_category is None:
                return tr("Choose a class to draw with")
            return ""
        if target is None:
            return _no_target(mode)
        name = self.canvas.content.category(target).name
        texts = {
            CombineMode.ADD: tr("Add to the selected {name}", name=name),
            CombineMode.SUBTRACT: tr("Cut out of the selected {name}", name=name),
            CombineMode.INTERSECT: tr("Keep of the selected {name} what is inside", name=name),
        }
        return texts[mode]

    def full_hint(self, hint: str) -> str:
        """Return what can be done, with what becomes of it before, or with the keys that change that after."""
        first = self.mode_hint()
        if first and (self.mode is None or self._lacks_target or first == self._notice):
            return first
        last = ""
        if self.mode is None and self.target is not None and not self.busy:
            last = hint_of(*MODE_GESTURES[:2])
        return hint_of(first, hint, last)


def _no_target(mode: CombineMode) -> str:
    texts = {
        CombineMode.ADD: tr("Select the object that is added to first"),
        CombineMode.SUBTRACT: tr("Select the object that is cut first"),
        CombineMode.INTERSECT: tr("Select the object that is intersected first"),
    }
    return texts[mode]


def _unchanged(mode: CombineMode) -> str:
    texts = {
        CombineMode.ADD: tr("Nothing added: the selected object has all of that"),
        CombineMode.SUBTRACT: tr("Nothing cut: that does not overlap the selected object"),
        CombineMode.INTERSECT: tr("Nothing cut: all of the selected object is inside"),
    }
    return texts[mode]
