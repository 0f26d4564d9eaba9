"""A real canvas over a real document, driven with real events; edits go through a history that can undo."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QKeySequence, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from annotator.canvas.image_pyramid import ImagePyramid
from annotator.canvas.view import CanvasView
from annotator.core.annotation import Annotation, Keypoint, Origin, Visibility
from annotator.core.categories import Categories
from annotator.core.document import Document
from annotator.core.photo_state import PhotoState
from annotator.window.actions import shown, specs
from dataset.geometry import from_parts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytestqt.qtbot import QtBot

    from annotator.core.document import Edit

NO = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
CTRL = Qt.KeyboardModifier.ControlModifier
ALT = Qt.KeyboardModifier.AltModifier
LEFT = Qt.MouseButton.LeftButton
NOTHING = Qt.MouseButton.NoButton
SIZE = (400, 300)


def square(annotation_id: int, x: float, y: float, side: float, **fields: object) -> Annotation:
    """A square of class 1 with its top left corner at (x, y)."""
    ring = [(x, y), (x + side, y), (x + side, y + side), (x, y + side)]
    if annotation_id < 0:
        fields = {"origin": Origin.SUGGESTED, "score": 0.9, **fields}
    return Annotation(annotation_id, 1, from_parts([[ring]]), **fields)  # type: ignore[arg-type]


def triple(first: Visibility = Visibility.VISIBLE) -> tuple[Keypoint, ...]:
    """Three keypoints of class 1, the last unlabelled."""
    return (
        Keypoint(130.0, 130.0, first),
        Keypoint(170.0, 170.0, Visibility.OCCLUDED),
        Keypoint(0.0, 0.0, Visibility.UNLABELLED),
    )


def corners(record: Annotation) -> list[tuple[float, float]]:
    """The vertices of the first part, rounded."""
    coords = record.shape.geoms[0].exterior.coords[:-1]
    return [(round(x, 1), round(y, 1)) for x, y in coords]


STANDARD_KEYS = {spec.name: shown([QKeySequence(key) for key in spec.keys]) for spec in specs()}


class Bench:
    """The canvas under test and a hand with a mouse. Positions are photo pixels."""

    def __init__(self, qtbot: QtBot, records: Iterable[Annotation], offered: Iterable[Annotation] = ()) -> None:
        self.categories = Categories()
        self.categories.add("person", keypoint_names=("nose", "left_hand", "right_hand"), skeleton=((0, 1), (1, 2)))
        self.categories.add("cup")
        self.document = Document("photo.jpg", PhotoState(SIZE, tuple(records)))
        self.document.set_suggestions(offered)
        self.made: list[Edit] = []
        self.hints: list[str] = []
        ids = itertools.count(1000)
        self.view = CanvasView(self.categories, lambda: next(ids))
        qtbot.addWidget(self.view)
        self.view.follow_keys(STANDARD_KEYS.__getitem__)
        self.view.edit_made.connect(self._apply)
        self.view.hint_changed.connect(self.hints.append)
        self.view.resize(824, 624)  # fits at 2:1
        self.view.set_document(self.document)
        self.view.set_photo(ImagePyramid(np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)))
        self.view.show()
        qtbot.waitExposed(self.view)
        self.view.setFocus()

    def _apply(self, edit: Edit) -> None:
        self.made.append(edit)
        self.document.apply(edit)

    def undo(self) -> None:
        self.document.revert(self.made.pop())

    def at(self, x: float, y: float) -> QPoint:
        return self.view.camera().point_to_view(x, y).toPoint()

    def send(
        self,
        kind: QEvent.Type,
        x: float,
        y: float,
        button: Qt.MouseButton,
        down: Qt.MouseButton,
        keys: Qt.KeyboardModifier,
    ) -> None:
        to, at = self.view.viewport(), QPointF(self.at(x, y))
        QApplication.sendEvent(to, QMouseEvent(kind, at, QPointF(to.mapToGlobal(at)), button, down, keys))

    def hover(self, x: float, y: float) -> None:
        self.send(QEvent.Type.MouseMove, x, y, NOTHING, NOTHING, NO)

    def press(self, x: float, y: float, keys: Qt.KeyboardModifier = NO) -> None:
        self.hover(x, y)
        self.send(QEvent.Type.MouseButtonPress, x, y, LEFT, LEFT, keys)

    def drag_to(self, x: float, y: float, keys: Qt.KeyboardModifier = NO) -> None:
        self.send(QEvent.Type.MouseMove, x, y, NOTHING, LEFT, keys)

    def release(self, x: float, y: float, keys: Qt.KeyboardModifier = NO) -> None:
        self.send(QEvent.Type.MouseButtonRelease, x, y, LEFT, NOTHING, keys)

    def click(self, x: float, y: float, keys: Qt.KeyboardModifier = NO) -> None:
        self.press(x, y, keys)
        self.release(x, y, keys)

    def double_click(self, x: float, y: float) -> None:
        self.click(x, y)
        self.send(QEvent.Type.MouseButtonDblClick, x, y, LEFT, LEFT, NO)
        self.release(x, y)

    def drag(self, start: tuple[float, float], end: tuple[float, float], keys: Qt.KeyboardModifier = NO) -> None:
        self.press(*start, keys)
        self.drag_to((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, keys)
        self.drag_to(*end, keys)
        self.release(*end, keys)

    def key(self, key: Qt.Key, keys: Qt.KeyboardModifier = NO) -> None:
        QTest.keyClick(self.view, key, keys)

    def color(self, x: float, y: float) -> tuple[int, int, int]:
        """What is painted at a point of the photo."""
        at = self.at(x, y)
        return self.view.grab().toImage().pixelColor(at).getRgb()[:3]  # type: ignore[return-value]


@pytest.fixture
def bench(qtbot: QtBot) -> Bench:
    """Two squares apart, one with keypoints, and a suggestion."""
    return Bench(
        qtbot,
        [square(1, 100, 100, 100, keypoints=triple()), square(2, 300, 20, 40)],
        [square(-1, 20, 20, 40)],
    )
