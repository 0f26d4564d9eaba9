"""The tool that places the keypoints of an object one after another, in the order of its class."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QPointF, QRectF, Qt

from annotator.canvas.gestures import TAKE_BACK, Gesture, hint_of
from annotator.canvas.labels import Label, paint_label
from annotator.canvas.painting import keypoint_color
from annotator.canvas.tools.base import ENDING_KEYS, NO_PREVIEW, GestureStep, Pointer, Tool, is_plain
from annotator.canvas.tools.keypoints import all_missing, filled
from annotator.canvas.tools.select_overlay import keypoint_label
from annotator.core import edits
from annotator.core.annotation import UNLABELLED, Annotation, Keypoint, Visibility
from annotator.core.skeleton import spoken
from dataset.i18n import mark, tr

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent, QPainter

    from annotator.canvas.camera import Camera
    from annotator.canvas.tools.base import ToolHost
    from dataset.coco.categories import Category

Placed = tuple[Keypoint, ...]
"""What was placed so far; unlabelled: skipped."""
_USED_KEYS = (*ENDING_KEYS, Qt.Key.Key_Escape, Qt.Key.Key_Backspace)
_SHIFT = Qt.KeyboardModifier.ShiftModifier
_NEW = 0  # id of an object that is not on record yet


@dataclass(frozen=True, slots=True)
class _Aim:
    """Whose keypoints are placed."""

    record: Annotation
    """The object as it was at the start; with the id 0 a new one."""
    category: Category
    """Its class."""
    order: tuple[int, ...]
    """Indices of the keypoints that it lacked then."""

    def with_placed(self, record: Annotation, placed: Placed) -> Annotation:
        """Return the object with these keypoints."""
        points = dict(zip(self.order, placed, strict=False))
        return filled(record, len(self.category.keypoint_names), points)


_CLICK = Gesture(mark("Click"), mark("place {keypoint}"))
_OCCLUDED = Gesture(mark("Shift+click"), mark("occluded"))
_SKIP = Gesture(mark("→"), mark("skip"))
_END = Gesture(mark("Enter"), mark("end"))


class PlaceKeypointsTool(Tool):
    """Places what the selected object lacks; where it lacks nothing, a new object of the canvas's `draw_category`."""

    name: ClassVar[str] = "keypoints"
    title: ClassVar[str] = mark("Place keypoints")
    tip: ClassVar[str] = mark(
        "Click the keypoints of the selected object, or of a new one, one after another; with Shift as occluded"
    )
    keys: ClassVar[tuple[str, ...]] = ("Shift+K",)
    icon: ClassVar[str] = "place-keypoints"
    gestures: ClassVar[tuple[Gesture, ...]] = (_CLICK, _OCCLUDED, _SKIP, TAKE_BACK, _END)

    def __init__(self, canvas: ToolHost) -> None:
        super().__init__(canvas)
        self._placed: Placed = ()
        self._begun: _Aim | None = None  # while a gesture runs
        self._at: Pointer | None = None

    @property
    def busy(self) -> bool:
        """Whether a keypoint has been placed or skipped."""
        return bool(self._placed)

    @property
    def cursor(self) -> Qt.CursorShape:
        """A cross."""
        return Qt.CursorShape.CrossCursor

    # Whose, and which

    def _aim(self) -> _Aim | None:
        """Return whose keypoints are placed, or would be by a click; None where there are none to place."""
        if self._begun is not None:
            return self._begun
        content, drawn = self.canvas.content, self.canvas.draw_category
        for record in content.selected[-1:]:
            category = content.category(record)
            order = all_missing(record, len(category.keypoint_names))
            if order:
                return _Aim(record, category, order)
        if drawn is None or drawn not in content.categories:
            return None
        category = content.categories[drawn]
        order = tuple(range(len(category.keypoint_names)))
        return _Aim(Annotation(_NEW, drawn), category, order) if order else None

    def _next(self, aim: _Aim) -> int:
        return aim.order[len(self._placed)]

    # The mouse and the keyboard

    def press(self, at: Pointer) -> None:
        """Place the next keypoint."""
        self._at = at
        visibility = Visibility.OCCLUDED if at.held(_SHIFT) else Visibility.VISIBLE
        self._put(Keypoint(*self.clamped(at), visibility), tr("place keypoint"))

    def add_missing_keypoint(self, at: Pointer) -> None:
        """Place the next keypoint, as a click does."""
        self.press(at)

    def move(self, at: Pointer) -> None:
        """Take the name of the next keypoint along."""
        self._at = at

    def leave(self) -> None:
        """The name of the next keypoint is shown nowhere."""
        self._at = None

    def takes_key(self, event: QKeyEvent) -> bool:
        """Return True for the right arrow, and for Enter, Escape and Backspace while keypoints are being placed."""
        if not is_plain(event):
            return False
        if event.key() == Qt.Key.Key_Right:
            return self._aim() is not None
        return self.busy and event.key() in _USED_KEYS

    def key_press(self, event: QKeyEvent) -> bool:
        """Skip a keypoint, take the last one back, end."""
        if not self.takes_key(event):
            return False
        if event.key() == Qt.Key.Key_Right:
            self._put(UNLABELLED, tr("skip keypoint"))
        elif event.key() == Qt.Key.Key_Backspace:
            self._step(self._placed[:-1], tr("take back keypoint"))
        else:
            self._end()
        return True

    # The gesture

    def _put(self, keypoint: Keypoint, text: str) -> None:
        aim = self._aim()
        if aim is None:
            return
        self._begun = aim
        self._step((*self._placed, keypoint), text)
        if len(self._placed) == len(aim.order):
            self._end()

    def _step(self, placed: Placed, text: str) -> None:
        before, aim = self._placed, self._begun
        self._restore(aim, placed)
        self.canvas.record_step(GestureStep(text, before, placed, lambda points: self._take_up(aim, points)))

    def _take_up(self, aim: _Aim | None, placed: Placed) -> None:
        # The step that placed the last one ended the gesture: undoing that end takes the last one back, too.
        self._restore(aim, placed[: len(aim.order) - 1] if aim else placed)
        self.canvas.take_up(self.name)

    def _restore(self, aim: _Aim | None, placed: Placed) -> None:
        self._placed, self._begun = placed, aim if placed else None
        self._show()

    def _show(self) -> None:
        aim = self._begun
        record = None if aim is None else aim.with_placed(self._now(aim) or aim.record, self._placed)
        self.preview = NO_PREVIEW if record is None else {record.id: record}

    def _now(self, aim: _Aim) -> Annotation | None:
        """Return the object as it is by now; None for a new one, and for one that is gone."""
        document = self.canvas.document
        return None if document is None or aim.record.id == _NEW else document.get(aim.record.id)

    def refresh(self) -> None:
        """Go on with the object as it is by now; one that is gone is put on record anew in the end."""
        self._show()

    def _end(self) -> None:
        """Hand over what was placed; with an object that was selected, go on selecting."""
        was_new = self._begun is not None and self._begun.record.id == _NEW
        self.finish()
        if not was_new:
            self.canvas.take_up("select")

    def finish(self) -> None:
        """Hand over what was placed, if anything was."""
        document, aim, placed = self.canvas.document, self._begun, self._placed
        if document is None or aim is None or not any(point.visibility for point in placed):
            self.cancel()
            return
        self._restore(None, ())
        text, now = tr("place keypoints"), self._now(aim)
        if now is not None:
            changed = aim.with_placed(now, placed)
            self.canvas.commit(edits.change(document, text, (changed,), self.canvas.new_id))
            return
        made = replace(aim.with_placed(aim.record, placed), id=self.canvas.new_id())
        # Not selected: what it lacks because it was skipped is not what the next click is for.
        self.canvas.commit(replace(edits.add(document, (made,), text), selection=(document.selection, ())))

    def cancel(self) -> None:
        """Give up what was placed, which undo brings back."""
        if self._placed:
            self._step((), tr("cancel keypoints"))

    # What is seen

    def overlay(self, camera: Camera) -> QRectF:
        """Return where the name of the next keypoint stands."""
        del camera
        label = self._label()
        return QRectF() if label is None else label.rect.adjusted(-1, -1, 1, 1)

    def paint(self, painter: QPainter, camera: Camera) -> None:
        """Paint the name of the next keypoint beside the mouse."""
        del camera
        label = self._label()
        if label is not None:
            paint_label(painter, label, self.canvas.colors, strong=True)

    def _label(self) -> Label | None:
        aim = self._aim()
        if aim is None or self._at is None:
            return None
        index = self._next(aim)
        return keypoint_label(_prompt(aim, index), keypoint_color(aim.category, index), self._beside(), self.canvas)

    def _beside(self) -> QPointF:
        assert self._at is not None
        return self._at.view + QPointF(4, 16)  # below the cross

    def hint(self) -> str:
        """Return what can be done now."""
        aim = self._aim()
        if aim is None:
            drawn, categories = self.canvas.draw_category, self.canvas.content.categories
            if drawn is None or drawn not in categories:
                return tr("Choose a class to draw with")
            return tr("{name} has no keypoints: right-click the class, Skeleton…", name=categories[drawn].name)
        click = _CLICK.hint(keypoint=_prompt(aim, self._next(aim)))
        if not self.busy and aim.record.id == _NEW:
            click = tr("New {name}: click {keypoint}", name=aim.category.name, keypoint=_prompt(aim, self._next(aim)))
        return hint_of(click, _OCCLUDED, _SKIP, *((TAKE_BACK, _END) if self.busy else ()))


def _prompt(aim: _Aim, index: int) -> str:
    names = aim.category.keypoint_names
    return tr("{keypoint} ({n} of {count})", keypoint=spoken(names[index]), n=index + 1, count=len(names))
