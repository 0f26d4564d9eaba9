"""The click tool: the model outlines what is clicked; further clicks choose another object, add to it or take away."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QPainter

from annotator.canvas.gestures import CANCEL, Gesture, hint_of
from annotator.canvas.painter_paths import path_of
from annotator.canvas.painting import filled, strong_outline
from annotator.canvas.style import ACTIVE_LINE, dot, pen
from annotator.canvas.tools.base import (
    ENDING_KEYS,
    Clicked,
    FoundObject,
    GestureStep,
    PlacedClick,
    Pointer,
    Tool,
    is_plain,
)
from annotator.core import edits
from annotator.core.annotation import Annotation, Origin
from dataset.geometry import bounds
from dataset.i18n import mark, tr

if TYPE_CHECKING:
    from annotator.canvas.camera import Camera
    from annotator.canvas.tools.base import ToolHost
    from annotator.core.document import Document

_USED_KEYS = (*ENDING_KEYS, Qt.Key.Key_Escape, Qt.Key.Key_Backspace, Qt.Key.Key_Delete, Qt.Key.Key_Tab)
_DOT, _ARM = 13.0, 2.5  # screen pixels: a dot, and half a line of the sign on it
_MARGIN = 14.0  # screen pixels that dots and outline reach over what they are of
_COLORS = {True: "#16a34a", False: "#dc2626"}  # of the dots on and off the object

Clicks = tuple[PlacedClick, ...]

_CLICK = Gesture(mark("Click an object:"), mark("the model draws its outline"))
_ADD = Gesture(mark("Click"), mark("add"))
_REMOVE = Gesture(mark("Shift+click"), mark("remove"))
_NEXT = Gesture(mark("Tab"), mark("next"))
_END = Gesture(mark("Enter or double-click:"), mark("done"))


class ClickTool(Tool):
    """Sends clicks to the model, shows what it answers, and puts that on record at the end as one step.

    A first click that is there several times stands for the next of the objects that it may mean.
    """

    name: ClassVar[str] = "click"
    title: ClassVar[str] = mark("Click an object")
    tip: ClassVar[str] = mark("Click an object: the model draws its outline, and further clicks correct it")
    keys: ClassVar[tuple[str, ...]] = ("W",)
    icon: ClassVar[str] = "click"
    gestures: ClassVar[tuple[Gesture, ...]] = (_CLICK, _ADD, _REMOVE, _NEXT, _END, CANCEL)
    finds_class: ClassVar[bool] = True

    def __init__(self, canvas: ToolHost) -> None:
        super().__init__(canvas)
        self._clicks: Clicks = ()
        self._answers: dict[Clicks, FoundObject] = {}  # of the object being outlined, and of steps that redo brings
        self._document: Document | None = None  # which they are of
        self._ending = False  # whether the answer that is awaited goes on record
        self._before_press: Clicks = ()
        self._turned = False  # whether the press before only chose the next object

    @property
    def cursor(self) -> Qt.CursorShape:
        """A cross."""
        return Qt.CursorShape.CrossCursor

    @property
    def busy(self) -> bool:
        """Whether an object is being outlined."""
        return bool(self._clicks)

    @property
    def _found(self) -> FoundObject | None:
        return self._answers.get(self._clicks)

    @property
    def _turns(self) -> int:
        return self._clicks.count(self._clicks[0]) - 1 if self._clicks else 0

    def press(self, at: Pointer) -> None:
        """Ask for the object there, for the next one there, or for what is found with or without this place."""
        document = self.canvas.document
        if document is None or self._ending:
            return
        self._before_press, self._turned = self._clicks, False
        width, height = document.size
        if not (0 <= at.x < width and 0 <= at.y < height):
            return
        is_object = not at.held(Qt.KeyboardModifier.ShiftModifier)
        if self._clicks and self._is_first_again(at) and is_object:
            self._turn()
        elif self._clicks or is_object:
            text = tr("click on the object") if is_object else tr("click beside the object")
            self._set((*self._clicks, (at.x, at.y, is_object)), text)

    def _is_first_again(self, at: Pointer) -> bool:
        """Return whether the mouse is at the one place that was clicked."""
        x, y, _ = self._clicks[0]
        off = max(abs(at.x - x), abs(at.y - y)) * self.canvas.scale_factor
        return len(set(self._clicks)) == 1 and off <= _DOT / 2

    def _turn(self) -> None:
        """Ask for the next object at the first click; further clicks were about the one before."""
        self._turned = True
        self._set((self._clicks[0],) * (self._turns + 2), tr("next object at the click"))

    def double_click(self, at: Pointer) -> None:
        """End; the first click of the two counts, unless it only chose the next object."""
        if self._turned:
            self._set(self._before_press, tr("take back click"))
        elif not self._clicks:
            self.press(at)
        self._end()

    def takes_key(self, event: QKeyEvent) -> bool:
        """Return True for Enter, Tab, Escape and Backspace while an object is being outlined."""
        return self.busy and event.key() in _USED_KEYS and is_plain(event)

    def key_press(self, event: QKeyEvent) -> bool:
        """End, choose the next object, take the last click back, give up."""
        if not self.takes_key(event):
            return False
        if event.key() in ENDING_KEYS:
            self._end()
        elif event.key() == Qt.Key.Key_Escape:
            self.cancel()
        elif event.key() == Qt.Key.Key_Tab:
            self._turn()
        else:
            self._set(self._clicks[:-1], tr("take back click"))
        return True

    def cancel(self) -> None:
        """Give up, which undo brings back."""
        if self._clicks:
            self._set((), tr("cancel clicks"))

    def finish(self) -> None:
        """Put what is found on record; clicks that are not answered yet are given up, which undo brings back."""
        if self._found is not None:
            self._end()
        self.cancel()

    def show_found(self, clicked: Clicked, found: FoundObject) -> None:
        """Show what the clicks mean, if they are still the same."""
        clicks = (clicked.clicks[0],) * clicked.turn + clicked.clicks
        if clicks != self._clicks:
            return
        self._answers[clicks] = found
        if self._ending:
            self._end()

    def _end(self) -> None:
        """Put what was found on record, now or when it is there; without a class, one is asked for."""
        document, found = self.canvas.document, self._found
        self._ending = found is None and bool(self._clicks)
        if document is None or found is None or found.shape.is_empty:
            return
        category = found.category_id if self.canvas.draw_category is None else self.canvas.draw_category
        if category is None:
            self.canvas.category_needed.emit()
            return
        keypoints = found.keypoints if category == found.category_id else ()
        new = Annotation(self.canvas.new_id(), category, found.shape, keypoints, Origin.DRAWN)
        self._clicks, self._answers = (), {}
        self.canvas.commit(edits.add(document, (new,), tr("outline object")))

    def _set(self, clicks: Clicks, text: str) -> None:
        before, self._clicks, self._ending = self._clicks, clicks, False
        if before != clicks:
            self.canvas.record_step(GestureStep(text, before, clicks, self._restore))
        self._ask()

    def _restore(self, clicks: Clicks) -> None:
        self._clicks, self._ending = clicks, False
        self._ask()
        self.canvas.take_up(self.name)

    def _ask(self) -> None:
        if self._document is not self.canvas.document:
            self._document, self._answers = self.canvas.document, {}
        if self._clicks and self._found is None:
            turn = self._turns
            self.canvas.object_clicked.emit(Clicked(self._clicks[turn:], turn))

    # What is seen

    def _shown(self) -> FoundObject | None:
        """Return what is found, or, until the model has answered, what was found before the last click."""
        ways = (self._clicks, self._before_press if self._clicks else ())
        return next((self._answers[clicks] for clicks in ways if clicks in self._answers), None)

    @property
    def _color(self) -> str:
        found, categories = self._shown(), self.canvas.content.categories
        drawn = self.canvas.draw_category
        if drawn is None and found and found.category_id is not None and found.category_id in categories:
            return categories[found.category_id].color
        return self.canvas.draw_color

    def overlay(self, camera: Camera) -> QRectF:
        """Return what the dots and the outline cover."""
        if not self._clicks:
            return QRectF()
        points = [(x, y) for x, y, _ in self._clicks]
        found = self._shown()
        if found and not found.shape.is_empty:
            x0, y0, x1, y1 = bounds(found.shape)
            points += [(x0, y0), (x1, y1)]
        view = camera.to_view(points)
        (x0, y0), (x1, y1) = view.min(axis=0).tolist(), view.max(axis=0).tolist()
        return QRectF(x0, y0, x1 - x0, y1 - y0).adjusted(-_MARGIN, -_MARGIN, _MARGIN, _MARGIN)

    def paint(self, painter: QPainter, camera: Camera) -> None:
        """The outline found, and the clicks: plus on the object, minus beside it."""
        if not self._clicks:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        found = self._shown()
        if found and not found.shape.is_empty:
            path = path_of(found.shape)
            filled(painter, camera, path, self._color, 70)
            strong_outline(painter, camera, path, self._color, ACTIVE_LINE, dashed=self._found is None)
        for x, y, is_object in dict.fromkeys(self._clicks):
            at = camera.point_to_view(x, y)
            for ink, size in (("#ffffff", _DOT), (_COLORS[is_object], _DOT - 3)):
                painter.setPen(dot(ink, size))
                painter.drawPoint(at)
            painter.setPen(pen("#ffffff", 1.6))
            painter.drawLine(at - QPointF(_ARM, 0), at + QPointF(_ARM, 0))
            if is_object:
                painter.drawLine(at - QPointF(0, _ARM), at + QPointF(0, _ARM))

    def hint(self) -> str:
        """Return how the outline was found, and what can be done now."""
        if not self.busy:
            return _CLICK.hint()
        found = self._found
        if found is None:
            return hint_of(tr("The model is looking for the object…"), CANCEL)
        if found.shape.is_empty:
            return hint_of(found.text, tr("click elsewhere"), _NEXT, CANCEL)
        return hint_of(found.text, _END, _ADD, _REMOVE, _NEXT, CANCEL)
