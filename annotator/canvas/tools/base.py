"""The interface of tools, and of the view they work in: a tool previews a gesture and commits one edit."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtWidgets import QApplication

from annotator.canvas.tools.drags import clamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PySide6.QtCore import SignalInstance
    from PySide6.QtGui import QKeyEvent, QPainter
    from PySide6.QtWidgets import QWidget
    from shapely import MultiPolygon

    from annotator.canvas.camera import Camera
    from annotator.canvas.gestures import Gesture
    from annotator.canvas.hit_testing import Hit
    from annotator.canvas.magnet import Magnet
    from annotator.canvas.snapping import Snap
    from annotator.canvas.style import CanvasColors
    from annotator.canvas.visible_records import VisibleRecords
    from annotator.core.annotation import Annotation, Keypoint
    from annotator.core.document import Document
    from annotator.core.edits import Edit
    from dataset.affine import Box
    from dataset.geometry import CombineMode

INVERT_SNAP = Qt.KeyboardModifier.ControlModifier
"""Held while a gesture runs: points snap where they would not, or do not where they would."""
Points = tuple[tuple[float, float], ...]
"""Photo pixels."""
Placed = TypeVar("Placed", bound=tuple[object, ...])
"""What a gesture has put so far, one after another."""
ENDING_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
"""Keys that end a gesture of several steps."""
NO_PREVIEW: Mapping[int, Annotation] = MappingProxyType({})


def is_plain(event: QKeyEvent) -> bool:
    """Return whether no modifier is held with a key; one of the keypad is as the other of its name."""
    return not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier


@dataclass(frozen=True, slots=True)
class Pointer:
    """A position of the mouse."""

    x: float
    """In photo pixels; may be outside the photo."""
    y: float
    """In photo pixels, downwards."""
    view: QPointF
    """In viewport pixels."""
    modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
    """Keys held."""
    down: bool = False
    """Whether the left button is pressed."""

    def held(self, modifier: Qt.KeyboardModifier) -> bool:
        """Return whether any of these keys is held."""
        return bool(self.modifiers & modifier)

    def far_from(self, other: Pointer) -> bool:
        """Return whether a press at the other position has become a drag here, by the system's distance for that."""
        return (self.view - other.view).manhattanLength() >= QApplication.startDragDistance()


@dataclass(frozen=True, slots=True)
class GestureStep(Generic[Placed]):
    """A step of a gesture that takes several, such as a vertex of a polygon. It changes nothing on record."""

    text: str
    """For the menu, completing "Undo …": "place vertex"."""
    before: Placed
    """The points of the gesture before; none: it begins with this step."""
    after: Placed
    """The points after; none: it ends with this step."""
    restore: Callable[[Placed], None]
    """Goes back, or on, to the gesture with these points."""

    @property
    def begins(self) -> bool:
        """Whether no gesture ran before."""
        return not self.before

    @property
    def ends(self) -> bool:
        """Whether no gesture runs after it."""
        return not self.after


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is on record for an outline that was drawn."""

    record_id: int
    """Id of the record that it became, or changed."""
    outline: MultiPolygon
    """What was drawn."""
    category_id: int
    """The class of the record."""
    target: Annotation | None = None
    """The object that it changed, as it was before; None: it became a new one."""
    mode: CombineMode | None = None
    """How it changed that; None with a target: that object has been outlined anew."""


@dataclass(frozen=True, slots=True)
class DraggedBox:
    """A box that is being dragged, in which the model is to find an outline at once."""

    gesture: int
    """Which gesture it is of."""
    box: Box
    """In photo pixels."""
    category_id: int
    """The class of the object."""


PlacedClick = tuple[float, float, bool]
"""x and y in photo pixels, and whether that place belongs to the object."""


@dataclass(frozen=True, slots=True)
class Clicked:
    """Clicks whose object the model is to find."""

    clicks: tuple[PlacedClick, ...]
    """In their order; the first is on the object."""
    turn: int
    """Which of the objects at the first click is meant, from the best on."""


@dataclass(frozen=True, slots=True)
class FoundObject:
    """What the model found where it was clicked."""

    shape: MultiPolygon
    """Empty where there is nothing."""
    category_id: int | None = None
    """The project's class of it; None where that has none such."""
    keypoints: tuple[Keypoint, ...] = ()
    """Those of the class."""
    text: str = ""
    """How it was found, or why not, for the hint."""


class ToolHost(Protocol):
    """The view that a tool works in, as far as tools use it."""

    @property
    def document(self) -> Document | None:
        """The document shown."""

    @property
    def content(self) -> VisibleRecords:
        """The records shown."""

    @property
    def colors(self) -> CanvasColors:
        """The theme's colours."""

    @property
    def scale_factor(self) -> float:
        """Logical pixels per photo pixel."""

    @property
    def draw_category(self) -> int | None:
        """Id of the class of new objects; None while none is chosen."""

    @property
    def draw_color(self) -> str:
        """The colour of new objects."""

    @property
    def category_needed(self) -> SignalInstance:
        """Emitted without arguments where something is to be drawn and no class is chosen."""

    @property
    def brush_size(self) -> int:
        """Diameter of the brush, in photo pixels."""

    def camera(self) -> Camera:
        """Return where the photo is on the screen now."""

    @property
    def draw_mode(self) -> CombineMode | None:
        """What becomes of the selected object with what is drawn; None: that is an object of its own."""

    @property
    def box_drawn(self) -> SignalInstance:
        """Emitted with the `Drawn` of a box in which the model is to find an object's outline."""

    @property
    def box_dragged(self) -> SignalInstance:
        """Emitted with a `DraggedBox`; the answer comes to `Tool.show_outline`, unless the box is another by then."""

    @property
    def object_clicked(self) -> SignalInstance:
        """Emitted with the `Clicked` of an object; the answer comes to `Tool.show_found`."""

    def new_id(self) -> int:
        """Return an id for a new annotation."""

    def key_of(self, action: str) -> str:
        """Return the key of an action of the window, for hints; "" if it has none."""

    def commit(self, edit: Edit) -> None:
        """Emit an edit for the document, unless it changes nothing."""

    def record_step(self, step: GestureStep[Any]) -> None:
        """Emit a step of the running gesture, which has been taken, so that it can be undone."""

    def take_up(self, name: str) -> None:
        """Take the tool of that name in hand, if it is not, and show what it now shows."""

    def handle_at(self, at: Pointer) -> Hit | None:
        """Return the keypoint, vertex or edge under the mouse of the object with handles."""

    def shapes_at(self, at: Pointer) -> list[int]:
        """Return the ids of all objects under the mouse, the best first."""

    def snap_at(self, x: float, y: float, *, inverted: bool, without: int | None = None) -> Snap | None:
        """Return where a point, of the object `without`, snaps; `inverted`: if points do not, or not if they do."""

    @property
    def is_magnetic(self) -> bool:
        """Whether lines that are drawn follow the edges of the photo."""

    @property
    def magnet(self) -> Magnet:
        """Where these edges are."""

    def viewport(self) -> QWidget:
        """Return the widget that is painted on."""


class Tool:
    """Turns mouse and keys into edits. Does nothing; each method is there to be overridden."""

    name: ClassVar[str] = ""
    """As in `CanvasView.set_tool`; its action is `tool.<name>`."""
    title: ClassVar[str] = ""
    """Text of the action, given to `mark` and translated where it is shown."""
    tip: ClassVar[str] = ""
    """Tooltip of the action, given to `mark`."""
    keys: ClassVar[tuple[str, ...]] = ()
    """Keys that take the tool in hand, of which the first is shown."""
    local_keys: ClassVar[bool] = False
    """Whether the keys work only in the canvas and the list of instances."""
    gestures: ClassVar[tuple[Gesture, ...]] = ()
    """What it does with the mouse and keys of its own; the hint names those that apply now."""
    icon: ClassVar[str] = ""
    """File name of its icon in resources/icons, without the suffix."""
    menu: ClassVar[str] = "edit"
    """Name of the menu that lists it."""
    draws: ClassVar[bool] = True
    """Whether it makes new objects, of the canvas's `draw_category`."""
    finds_class: ClassVar[bool] = False
    """Whether what it makes has a class of its own while no `draw_category` is chosen."""
    has_modes: ClassVar[bool] = False
    """Whether the canvas's `draw_mode` says what becomes of what it draws."""
    has_size: ClassVar[bool] = False
    """Whether the canvas's `brush_size` is its size."""
    uses_handles: ClassVar[bool] = False
    """Whether the selected object shows its vertices."""

    def __init__(self, canvas: ToolHost) -> None:
        self.canvas = canvas
        self.preview: Mapping[int, Annotation] = NO_PREVIEW
        """Records as a running gesture would leave them; painted instead of those in the document."""
        self.hovered: int | None = None
        """Id of the object to highlight."""

    @property
    def cursor(self) -> Qt.CursorShape:
        """The cursor over the photo now."""
        return Qt.CursorShape.ArrowCursor

    @property
    def busy(self) -> bool:
        """Whether a gesture is running."""
        return False

    @property
    def holds(self) -> bool:
        """Whether the gesture is one of the held button: until that is released, no key does anything but end it."""
        return False

    def clamped(self, at: Pointer) -> tuple[float, float]:
        """Return the point (x, y) of the photo nearest to the mouse."""
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

    def takes_key(self, event: QKeyEvent) -> bool:
        """Return whether the tool, in its present state, takes the key before any shortcut of the window."""
        del event
        return False

    def key_press(self, event: QKeyEvent) -> bool:
        """Handle a key. Return False if it is not handled."""
        del event
        return False

    def cancel(self) -> None:
        """Give up the running gesture: nothing happened."""

    def take_back(self) -> None:
        """Give up what the held button has done so far, for undo."""
        self.cancel()

    def finish(self) -> None:
        """Hand over what the running gesture has made so far, if it is something: the photo or the tool changes."""
        self.cancel()

    def show_outline(self, dragged: DraggedBox, outline: MultiPolygon) -> None:
        """Take the answer to `ToolHost.box_dragged`."""

    def show_found(self, clicked: Clicked, found: FoundObject) -> None:
        """Take the answer to `ToolHost.object_clicked`."""

    def refresh(self) -> None:
        """The document or its selection changed; forget what is no longer so."""

    def toggle_visibility(self) -> None:
        """Make the hovered or selected keypoint visible, occluded, unlabelled in turn."""

    def add_missing_keypoint(self, at: Pointer) -> None:
        """Put the first keypoint that the selected object lacks there."""

    def overlay(self, camera: Camera) -> QRectF:
        """Return what `paint` covers, in viewport pixels."""
        del camera
        return QRectF()

    def paint(self, painter: QPainter, camera: Camera) -> None:
        """Paint over everything, in viewport pixels."""

    def hint(self) -> str:
        """Return what can be done now, with the keys, in one line."""
        return ""
