"""The select tool: choose objects, move them, correct their vertices and keypoints."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QPainter

from annotator.canvas.hit_testing import Hit, HitKind, Outline, keypoint_at
from annotator.canvas.tools import keypoints, select_overlay
from annotator.canvas.tools.base import INVERT_SNAP, NO_PREVIEW, Pointer, Tool
from annotator.canvas.tools.clicks import ADD, Clicks
from annotator.canvas.tools.drags import (
    Drag,
    InsertVertex,
    MoveKeypoint,
    MoveObjects,
    MoveVertices,
    moved,
    same_structure,
    with_vertices_moved,
)
from annotator.canvas.tools.keypoints import ChosenKeypoint
from annotator.canvas.tools.select_overlay import SelectView
from annotator.core import edits
from annotator.core.annotation import Visibility
from dataset.geometry import VertexRef, delete_vertices, insert_vertex
from dataset.i18n import mark, tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from annotator.canvas.camera import Camera
    from annotator.canvas.snapping import Snap
    from annotator.canvas.tools.base import ToolHost
    from annotator.core.annotation import Annotation
    from annotator.core.document import Document

_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_REMOVE = Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ControlModifier


class SelectTool(Tool):
    """Click selects, drag moves, handles correct. See the class's hints for the keys."""

    name: ClassVar[str] = "select"
    title: ClassVar[str] = mark("Select and correct")
    tip: ClassVar[str] = mark("Select, move and reshape objects")
    keys: ClassVar[tuple[str, ...]] = ("V", "Esc", "Ctrl+J")
    local_keys: ClassVar[bool] = True
    icon: ClassVar[str] = "select"
    draws: ClassVar[bool] = False
    uses_handles: ClassVar[bool] = True

    def __init__(self, canvas: ToolHost) -> None:
        super().__init__(canvas)
        self.hit: Hit | None = None  # the handle under the mouse
        self.vertices: frozenset[VertexRef] = frozenset()  # selected ones, of the object with handles
        self._keypoint = ChosenKeypoint()  # of the object with handles
        self._over: Pointer | None = None  # where the mouse is
        self._named: Hit | None = None  # the keypoint under it of an object without handles
        self._stacked = False  # whether it is over more than one object
        self._outline: Annotation | None = None  # the record that the selected vertices and keypoint belong to
        self._pressed: Pointer | None = None
        self._drag: Drag | None = None  # begins when the mouse moves far enough
        self._dragging = False
        self._band = False
        self._held = False  # the press chose a suggestion, which a drag leaves where it is
        self._at: Pointer | None = None  # where the drag is
        self._snap: Snap | None = None  # where the dragged vertex has snapped
        self._clicks = Clicks()

    # What is there

    @property
    def _document(self) -> Document:
        document = self.canvas.document
        assert document is not None, "the canvas gives tools events only while it has a document"
        return document

    @property
    def _handled(self) -> Annotation | None:
        return self.canvas.content.target

    @property
    def busy(self) -> bool:
        """Whether something is being dragged."""
        return self._dragging

    @property
    def holds(self) -> bool:
        """Whether the button is held."""
        return self._pressed is not None

    @property
    def cursor(self) -> Qt.CursorShape:
        """The cursor for what a drag would do."""
        if self._dragging:
            return Qt.CursorShape.CrossCursor if self._band else Qt.CursorShape.SizeAllCursor
        if self.hit is not None:
            return Qt.CursorShape.CrossCursor if self.hit.kind is HitKind.EDGE else Qt.CursorShape.PointingHandCursor
        if self.hovered is not None:
            selected = self.hovered in self._document.selection
            return Qt.CursorShape.SizeAllCursor if selected else Qt.CursorShape.PointingHandCursor
        return Qt.CursorShape.ArrowCursor

    def refresh(self) -> None:
        """Forget vertices and keypoints of what is no longer there or no longer the same."""
        record, before = self._handled, self._outline
        if record is not before:
            if record is None or before is None or record.id != before.id or not same_structure(record, before):
                self.vertices, self._keypoint = frozenset(), ChosenKeypoint()
            elif keypoints.several_differ(record, before):
                self._keypoint = ChosenKeypoint()  # another order, or other places
            self._outline = record
        self.hit = None
        if self.hovered is not None and self.hovered not in self.canvas.content:
            self.hovered = None
        if self._drag is not None and any(self._is_other(record) for record in self._drag.records):
            self.cancel()  # what it would leave is made of a record that is no more

    def _is_other(self, record: Annotation) -> bool:
        return record.id not in self.canvas.content or self.canvas.content[record.id] != record

    # The mouse

    def move(self, at: Pointer) -> None:
        """Hover, or follow the drag."""
        if self._pressed is None or not at.down:
            self._hover(at)
            return
        if not self._dragging and not self._held and at.far_from(self._pressed):
            self._dragging = True
            self._band = self._drag is None
            if isinstance(self._drag, InsertVertex):
                self.vertices = frozenset((self._drag.ref,))
        if self._dragging and self._drag is not None:
            self.preview = self._dragged(self._drag, at.x - self._pressed.x, at.y - self._pressed.y, at)
            self.hovered = None
        elif self._dragging:
            self.hovered = None
        self._at = at

    def _dragged(self, drag: Drag, dx: float, dy: float, at: Pointer) -> Mapping[int, Annotation]:
        self._snap = None
        if isinstance(drag, MoveVertices | InsertVertex):
            (x, y), inverted = drag.start, at.held(INVERT_SNAP)
            self._snap = self.canvas.snap_at(x + dx, y + dy, inverted=inverted, without=drag.record.id)
            if self._snap is not None:
                return drag.to(self._snap.x, self._snap.y)
        return drag.at(dx, dy)

    def leave(self) -> None:
        """Nothing is under the mouse."""
        self.hit, self.hovered, self._over, self._stacked, self._named = None, None, None, False, None
        self._keypoint = replace(self._keypoint, turned=None)

    def _hover(self, at: Pointer) -> None:
        self._over, self._keypoint = at, self._keypoint.at(at)
        self.hit = self._keypoint.hit(self._handled) or self.canvas.handle_at(at)
        ids = [self.hit.id] if self.hit is not None else self.canvas.shapes_at(at)
        self.hovered, self._stacked = next(iter(ids), None), len(ids) > 1
        pointed = None if self.hit is not None or self.hovered is None else self.canvas.content[self.hovered]
        self._named = None if pointed is None else keypoint_at(pointed, at.x, at.y, self.canvas.scale_factor)

    def press(self, at: Pointer) -> None:
        """Select, and get ready to drag."""
        self._pressed, self._at = at, at
        self._drag, self._dragging, self._band, self._held = None, False, False, False
        self._hover(at)
        size = self._document.size
        hit, record = self.hit, self._handled
        if (hit is not None and record is not None and not self._press_handle(at, hit, record, size)) or hit is None:
            self._press_object(at, size)

    def _press_handle(self, at: Pointer, hit: Hit, record: Annotation, size: tuple[int, int]) -> bool:
        """Handle a press on a handle. Return False if the press is for the object below it."""
        if hit.kind is HitKind.KEYPOINT:
            assert hit.keypoint is not None
            self.vertices = frozenset()
            if at.held(Qt.KeyboardModifier.AltModifier):
                self._pressed = None
                self._turn(record, hit.keypoint)
            elif record.keypoints[hit.keypoint].visibility is Visibility.UNLABELLED:
                return False
            else:
                self._keypoint = self._keypoint.chosen(hit.keypoint)
                self._drag = MoveKeypoint(record, hit.keypoint, size)
            return True
        assert hit.vertex is not None
        if hit.kind is HitKind.VERTEX:
            if at.held(_REMOVE):
                self._delete_vertices(record, {hit.vertex})
                self._pressed = None
                return True
            if at.held(Qt.KeyboardModifier.ShiftModifier):
                self.vertices ^= {hit.vertex}
            elif hit.vertex not in self.vertices:
                self.vertices = frozenset((hit.vertex,))
            self._drag = MoveVertices(record, self.vertices, size, hit.vertex) if self.vertices else None
            return True
        if at.modifiers & (ADD | _REMOVE):
            return False
        self._drag = InsertVertex(record, hit.vertex, hit.x, hit.y, size)
        return True

    def _press_object(self, at: Pointer, size: tuple[int, int]) -> None:
        if not at.held(ADD):
            self.vertices, self._keypoint = frozenset(), self._keypoint.chosen(None)
        document = self._document
        ids = self.canvas.shapes_at(at)
        if at.held(ADD) or at.held(Qt.KeyboardModifier.AltModifier):
            return  # decided on release: a drag is a rubber band
        if not ids:
            return
        if not set(ids) & set(document.selection):
            document.select(ids[:1])
            self._clicks.forget()
            # As in labelme and CVAT, the first drag moves what is on record. Moving a suggestion accepts it, so that
            # takes a drag of one that is seen to be selected.
            self._held = ids[0] < 0
            if self._held:
                return
        self._drag = MoveObjects(self.canvas.content.selected, size)

    def release(self, at: Pointer) -> None:
        """End the drag with its edit, or take it for a click."""
        pressed, drag, preview = self._pressed, self._drag, self.preview
        if pressed is None:
            return
        dragged, band = self._dragging, self._band
        vertices = self.vertices
        self.cancel()
        self.vertices = vertices
        if band:
            self._select_in_band(pressed, at)
        elif dragged and drag is not None:
            if isinstance(drag, MoveObjects):
                self._keypoint = replace(self._keypoint, places={})  # they did not move along
            if preview:
                text, records = drag.text(preview), preview.values()
                self._commit(edits.change(self._document, text, records, self.canvas.new_id), next(iter(records)))
        elif not isinstance(drag, MoveVertices | MoveKeypoint | InsertVertex):
            document = self._document
            document.select(self._clicks.selection(pressed, self.canvas.shapes_at(pressed), document.selection))
        self._hover(at)

    def double_click(self, at: Pointer) -> None:
        """On an edge of the object with handles: a new vertex there. Elsewhere as another click."""
        hit, record = self.canvas.handle_at(at), self._handled
        if record is not None and hit is not None and hit.kind is HitKind.EDGE and hit.vertex is not None:
            changed = record.with_shape(insert_vertex(record.shape, hit.vertex, hit.x, hit.y))
            self._pressed = None
            self.vertices = frozenset((hit.vertex._replace(index=hit.vertex.index + 1),))
            self._change(tr("add vertex"), changed)
        else:
            self.press(at)

    def _select_in_band(self, pressed: Pointer, at: Pointer) -> None:
        x0, x1 = sorted((pressed.x, at.x))
        y0, y1 = sorted((pressed.y, at.y))
        add = pressed.held(ADD)
        record = self._handled
        if record is not None and len(self._document.selection) == 1:
            outline = Outline.of(record)
            refs = frozenset(outline.refs_inside(x0, y0, x1, y1))
            if refs and len(refs) < len(outline.refs):
                self.vertices = self.vertices | refs if add else refs
                return
        ids = self.canvas.content.index.inside(x0, y0, x1, y1)
        self._document.select((*self._document.selection, *ids) if add else ids)

    # The keyboard

    def takes_key(self, event: QKeyEvent) -> bool:
        """Return True for Delete with a vertex, for Escape with anything to give up, for arrows with a selection."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            return not event.modifiers() and bool(self._doomed())
        if event.key() == Qt.Key.Key_Escape:
            return bool(self.vertices) or bool(self.canvas.content.selected)
        return event.key() in _ARROWS and _plain(event) and bool(self.canvas.content.selected)

    def key_press(self, event: QKeyEvent) -> bool:
        """Nudge, delete, give up."""
        if event.key() in _ARROWS and _plain(event):
            step = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            dx, dy = _ARROWS[Qt.Key(event.key())]
            return self._nudge(dx * step, dy * step)
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and not event.modifiers():
            return self._delete()
        if event.matches(QKeySequence.StandardKey.Cancel):
            return self._escape()
        return False

    def _nudge(self, dx: int, dy: int) -> bool:
        selected, record = self.canvas.content.selected, self._handled
        if record is None:
            return False
        size, what = self._document.size, ""
        if self.vertices:
            changed = {record.id: with_vertices_moved(record, self.vertices, dx, dy, size)}
            what = f"vertices {sorted(self.vertices)} "
        else:
            changed, self._keypoint = moved(selected, dx, dy, size), replace(self._keypoint, places={})
        if changed:
            edit = edits.change(self._document, tr("nudge"), changed.values(), self.canvas.new_id)
            self._commit(replace(edit, merge=f"nudge {what}of {edit.selection[1]}"), next(iter(changed.values())))
        return True

    def _doomed(self) -> frozenset[VertexRef]:
        """Return the vertices that Delete removes: the selected ones, else the one under the mouse."""
        if self.vertices or self.hit is None or self.hit.kind is not HitKind.VERTEX or self.hit.vertex is None:
            return self.vertices
        return frozenset((self.hit.vertex,))

    def _delete(self) -> bool:
        record, doomed = self._handled, self._doomed()
        if record is None:
            return False
        if doomed:
            self._delete_vertices(record, doomed)
        else:
            self.canvas.commit(edits.delete(self._document, self._document.selection))
        return True

    def _delete_vertices(self, record: Annotation, refs: Iterable[VertexRef]) -> None:
        shape = delete_vertices(record.shape, refs)
        self.vertices = frozenset()
        if shape.is_empty and not record.keypoints:
            self.canvas.commit(edits.delete(self._document, (record.id,)))
        else:
            self._change(tr("delete vertex"), record.with_shape(shape))

    def _escape(self) -> bool:
        if self.vertices:
            self.vertices = frozenset()
        elif self._document.selection:
            self._document.select(())
        else:
            return False
        return True

    def cancel(self) -> None:
        """Give up the drag: the objects are where they were."""
        if isinstance(self._drag, InsertVertex) and self._dragging:
            self.vertices = frozenset()
        self._pressed, self._drag, self._dragging, self._band, self._held = None, None, False, False, False
        self.preview, self._snap = NO_PREVIEW, None

    # Keypoints

    def toggle_visibility(self) -> None:
        """Visible, occluded, unlabelled in turn, for the keypoint under the mouse, else the one clicked last.

        It stays with that keypoint while the mouse does, also where others are near and it is no longer to be seen.
        """
        record, index = self._handled, self._view().keypoint
        if record is not None and index is not None and index < len(record.keypoints):
            self._turn(record, index)

    def _turn(self, record: Annotation, index: int) -> None:
        self._keypoint, turned = self._keypoint.turn(record, index, self._over)
        self._change(tr("change visibility"), turned)
        if self._over is not None:
            self._hover(self._over)

    def add_missing_keypoint(self, at: Pointer) -> None:
        """Put the first keypoint that the selected object lacks under the mouse."""
        record = self._handled
        if record is not None:
            names = self.canvas.content.category(record).keypoint_names
            changed = keypoints.completed(record, len(names), at.x, at.y, self._document.size)
            if changed is not None:
                self._change(tr("add keypoint"), changed)

    # Edits

    def _change(self, text: str, record: Annotation) -> None:
        self._commit(edits.change(self._document, text, (record,), self.canvas.new_id), record)

    def _commit(self, edit: edits.Edit, record: Annotation) -> None:
        """Send an edit after which the object with handles looks like `record`: its vertices stay selected."""
        vertices, keypoint = self.vertices, self._keypoint
        self.canvas.commit(edit)
        if same_structure(self._handled, record):  # under a new id, if it was a suggestion
            self.vertices, self._keypoint, self._outline = vertices, keypoint, self._handled

    # What is seen

    def overlay(self, camera: Camera) -> QRectF:
        """Return what the rubber band, or the highlighted handles, cover."""
        band = self._band_rect(camera)
        if band is None:
            return select_overlay.area(self._view(), self.canvas, camera)
        return band.adjusted(-2, -2, 2, 2)

    def paint(self, painter: QPainter, camera: Camera) -> None:
        """Paint the rubber band, or the highlighted handles."""
        band = self._band_rect(camera)
        if band is None:
            select_overlay.paint(self._view(), self.canvas, painter, camera)
        else:
            select_overlay.paint_band(painter, band, self.canvas.colors)

    def _band_rect(self, camera: Camera) -> QRectF | None:
        if not self._band or self._pressed is None or self._at is None:
            return None
        start = camera.point_to_view(self._pressed.x, self._pressed.y)  # stays on the photo when that scrolls
        return QRectF(start, self._at.view).normalized()

    def _view(self) -> SelectView:
        record, hit = self._handled, self.hit
        keypoint = hit.keypoint if hit is not None and hit.keypoint is not None else self._keypoint.index
        record = None if record is None else self.preview.get(record.id, record)
        return SelectView(
            record=record,
            vertices=self.vertices,
            hit=hit,
            keypoint=keypoint,
            place=None if record is None else self._keypoint.place(record, keypoint),
            busy=self.busy,
            hovered=self.hovered,
            named=self._named,
            stacked=self._stacked,
            snap=self._snap,
        )

    def hint(self) -> str:
        """Return what can be done with what is under the mouse."""
        if self._held and self._pressed is not None and self._at is not None and self._at.far_from(self._pressed):
            return tr("Selected  ·  Release, then drag to correct")
        return select_overlay.hint(self._view(), self.canvas)


def _plain(event: QKeyEvent) -> bool:
    allowed = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
    return not event.modifiers() & ~allowed
