"""What a tool is. It looks at the document, previews what it is going to do, and hands one edit to the canvas."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QPointF, QRectF, Qt

from annotator.canvas.tools.drags import clamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PySide6.QtGui import QKeyEvent, QPainter

    from annotator.canvas.camera import Camera
    from annotator.canvas.view import CanvasView
    from annotator.core.annotation import Annotation

DRAG_FROM = 4.0  # screen pixels that the mouse must move before a press becomes a drag
NO_PREVIEW: Mapping[int, Annotation] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Pointer:
    """The mouse.

    Attributes:
        x: In photo pixels; may be outside the photo.
        y: See x.
        view: In viewport pixels.
        modifiers: Keys held.
        down: Whether the left button is.
    """

    x: float
    y: float
    view: QPointF
    modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
    down: bool = False

    def held(self, modifier: Qt.KeyboardModifier) -> bool:
        """Whether any of these keys is held."""
        return bool(self.modifiers & modifier)

    def far_from(self, other: Pointer) -> bool:
        """Whether it moved so far that it is a drag."""
        return (self.view - other.view).manhattanLength() >= DRAG_FROM


class Tool:
    """Turns mouse and keys into edits. Does nothing; each method is there to be overridden.

    Attributes:
        name: As in `CanvasView.set_tool`.
        uses_handles: Whether the selected object shows its vertices.
        preview: Records as a running gesture would leave them; painted instead of those in the document.
        hovered: Id of the object to highlight, or None.
    """

    name: ClassVar[str] = ""
    uses_handles: ClassVar[bool] = False

    def __init__(self, canvas: CanvasView) -> None:
        self.canvas = canvas
        self.preview: Mapping[int, Annotation] = NO_PREVIEW
        self.hovered: int | None = None

    @property
    def cursor(self) -> Qt.CursorShape:
        """The mouse cursor now."""
        return Qt.CursorShape.ArrowCursor

    @property
    def busy(self) -> bool:
        """Whether a gesture is running."""
        return False

    def clamped(self, at: Pointer) -> tuple[float, float]:
        """The point of the photo that is nearest to the mouse."""
        document = self.canvas.document
        assert document is not None, "the canvas gives tools events only while it has a document"
        return clamp(at.x, at.y, document.size)

    def press(self, at: Pointer) -> None:
        """The left button went down."""

    def move(self, at: Pointer) -> None:
        """The mouse moved, with the left button down or not."""

    def release(self, at: Pointer) -> None:
        """The left button went up."""

    def double_click(self, at: Pointer) -> None:
        """The left button went down for the second time."""
        self.press(at)

    def leave(self) -> None:
        """The mouse left the canvas."""

    def wants_key(self, event: QKeyEvent) -> bool:
        """Whether the tool, as things are, uses the key before any shortcut of the window does."""
        del event
        return False

    def key_press(self, event: QKeyEvent) -> bool:
        """Use a key. False if there is no use for it."""
        del event
        return False

    def cancel(self) -> None:
        """Give up the running gesture: nothing happened."""

    def finish(self) -> None:
        """Hand over what the running gesture has made so far, if it is something: the photo or the tool changes."""
        self.cancel()

    def refresh(self) -> None:
        """The document or its selection changed; forget what is no longer so."""

    def toggle_visibility(self) -> None:
        """Make the hovered or selected keypoint visible, occluded, unlabelled in turn."""

    def add_missing_keypoint(self, at: Pointer) -> None:
        """Put the first keypoint that the selected object lacks there."""

    def overlay(self, camera: Camera) -> QRectF:
        """What `paint` covers, in viewport pixels."""
        del camera
        return QRectF()

    def paint(self, painter: QPainter, camera: Camera) -> None:
        """Paint over everything, in viewport pixels."""

    def hint(self) -> str:
        """What can be done now, with the keys, in one line."""
        return ""
