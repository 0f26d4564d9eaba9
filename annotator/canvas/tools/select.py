"""The select tool: choose objects, move them, correct their vertices and keypoints."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QRectF, Qt

from annotator.canvas.hit_testing import Hit, HitKind, Outline, keypoint_at
from annotator.canvas.tools import keypoints, select_overlay
from annotator.canvas.tools.base import INVERT_SNAP, Pointer
from annotator.canvas.tools.box_drags import ResizeBox
from annotator.canvas.tools.box_frame import FROM_CENTRE, KEEP_ASPECT, cursor_of, grip_near
from annotator.canvas.tools.clicks import ADD
from annotator.canvas.tools.drags import (
    InsertVertex,
    MoveKeypoint,
    MoveObjects,
    MoveVertices,
    same_structure,
    with_vertices_moved,
)
from annotator.canvas.tools.keypoints import ChosenKeypoint
from annotator.canvas.tools.objects import ObjectsTool, band_box
from annotator.canvas.tools.select_overlay import SelectView
from annotator.core import edits
from annotator.core.annotation import Visibility
from dataset.geometry import VertexRef, bounds, delete_vertices, insert_vertex
from dataset.i18n import mark, tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from PySide6.QtGui import QKeyEvent, QPainter

    from annotator.canvas.camera import Camera
    from annotator.canvas.gestures import Gesture
    from annotator.canvas.snapping import Snap
    from annotator.canvas.tools.base import ToolHost
    from annotator.canvas.tools.drags import Drag
    from annotator.core.annotation import Annotation
    from dataset.affine import Grip

_REMOVE = Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ControlModifier


class SelectTool(ObjectsTool):
    """Click selects, drag moves, handles correct. See the class's hints for the keys."""

    name: ClassVar[str] = "select"
    title: ClassVar[str] = mark("Select and correct")
    tip: ClassVar[str] = mark("Select, move and reshape objects")
    keys: ClassVar[tuple[str, ...]] = ("V", "Esc", "Ctrl+J")
    local_keys: ClassVar[bool] = True
    icon: ClassVar[str] = "select"
    gestures: ClassVar[tuple[Gesture, ...]] = select_overlay.GESTURES
    uses_handles: ClassVar[bool] = True

    def __init__(self, canvas: ToolHost) -> None:
        super().__init__(canvas)
        self.hit: Hit | None = None  # the handle under the mouse
        self.vertices: frozenset[VertexRef] = frozenset()  # selected ones, of the object with handles
        self._keypoint = ChosenKeypoint()  # of the object with handles
        self._named: Hit | None = None  # the keypoint under it of an object without handles
        self._outline: Annotation | None = None  # the record that the selected vertices and keypoint belong to
        self._snap: Snap | None = None  # where the dragged vertex has snapped

    # What is there

    @property
    def cursor(self) -> Qt.CursorShape:
        """The cursor for what a drag would do."""
        if isinstance(self._drag, ResizeBox):
            return cursor_of(self._drag.grip)
        record = self._handled
        if self.hit is None or self._dragging or record is None:
            return super().cursor
        if record.is_box and self.hit.kind is not HitKind.KEYPOINT:
            return cursor_of(_grip_of(record, self.hit))
        return Qt.CursorShape.CrossCursor if self.hit.kind is HitKind.EDGE else Qt.CursorShape.PointingHandCursor

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
        super().refresh()

    # The mouse

    def _begin_drag(self) -> None:
        if isinstance(self._drag, InsertVertex):
            self.vertices = frozenset((self._drag.ref,))

    def _dragged(self, drag: Drag, dx: float, dy: float, at: Pointer) -> Mapping[int, Annotation]:
        self._snap = None
        if isinstance(drag, ResizeBox):
            return self._resized(drag, dx, dy, at)
        if isinstance(drag, MoveVertices | InsertVertex):
            (x, y), inverted = drag.start, at.held(INVERT_SNAP)
            self._snap = self.canvas.snap_at(x + dx, y + dy, inverted=inverted, without=drag.record.id)
            if self._snap is not None:
                return drag.to(self._snap.x, self._snap.y)
        return drag.at(dx, dy)

    def _resized(self, drag: ResizeBox, dx: float, dy: float, at: Pointer) -> Mapping[int, Annotation]:
        x, y = drag.start
        if drag.grip.is_corner and not at.held(FROM_CENTRE | KEEP_ASPECT):
            self._snap = self.canvas.snap_at(x + dx, y + dy, inverted=False, without=drag.record.id)
            if self._snap is not None:
                return drag.at(self._snap.x - x, self._snap.y - y)
        return drag.at(dx, dy, keep_aspect=at.held(KEEP_ASPECT), from_centre=at.held(FROM_CENTRE))

    def leave(self) -> None:
        """Nothing is under the mouse."""
        super().leave()
        self.hit, self._named = None, None
        self._keypoint = replace(self._keypoint, turned=None)

    def _hover(self, at: Pointer) -> None:
        self._over, self._keypoint = at, self._keypoint.at(at)
        self.hit = self._keypoint.hit(self._handled) or self.canvas.handle_at(at)
        self._point_at([self.hit.id] if self.hit is not None else self.canvas.shapes_at(at))
        pointed = None if self.hit is not None or self.hovered is None else self.canvas.content[self.hovered]
        self._named = None if pointed is None else keypoint_at(pointed, at.x, at.y, self.canvas.scale_factor)

    def _press_handle(self, at: Pointer) -> bool:
        hit, record, size = self.hit, self._handled, self._document.size
        if hit is None or record is None:
            return False
        if hit.keypoint is not None:
            return self._press_keypoint(at, hit.keypoint, record)
        assert hit.vertex is not None
        is_corner, with_keys = hit.kind is HitKind.VERTEX, at.held(ADD | _REMOVE)
        if record.is_box and (is_corner or not with_keys):
            self._drag = ResizeBox(record, _grip_of(record, hit), size)
        elif is_corner:
            self._press_vertex(at, hit.vertex, record)
        elif with_keys:
            return False
        else:
            self._drag = InsertVertex(record, hit.vertex, hit.x, hit.y, size)
        return True

    def _press_keypoint(self, at: Pointer, index: int, record: Annotation) -> bool:
        self.vertices = frozenset()
        if at.held(Qt.KeyboardModifier.AltModifier):
            self._pressed = None
            self._turn(record, index)
        elif record.keypoints[index].visibility is Visibility.UNLABELLED:
            return False
        else:
            self._keypoint = self._keypoint.chosen(index)
            self._drag = MoveKeypoint(record, index, self._document.size)
        return True

    def _press_vertex(self, at: Pointer, ref: VertexRef, record: Annotation) -> None:
        if at.held(_REMOVE):
            self._delete_vertices(record, {ref})
            self._pressed = None
            return
        if at.held(Qt.KeyboardModifier.ShiftModifier):
            self.vertices ^= {ref}
        elif ref not in self.vertices:
            self.vertices = frozenset((ref,))
        self._drag = MoveVertices(record, self.vertices, self._document.size, ref) if self.vertices else None

    def _press_object(self, at: Pointer) -> None:
        if not at.held(ADD):
            self.vertices, self._keypoint = frozenset(), self._keypoint.chosen(None)
        super()._press_object(at)

    def _end_drag(self, drag: Drag, preview: Mapping[int, Annotation]) -> None:
        if isinstance(drag, MoveObjects):
            self._keypoint = replace(self._keypoint, places={})  # they did not move along
        super()._end_drag(drag, preview)

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
        record = self._handled
        if record is not None and len(self._document.selection) == 1 and not record.is_box:
            outline = Outline.of(record)
            refs = frozenset(outline.refs_inside(*band_box(pressed, at)))
            if refs and len(refs) < len(outline.refs):
                self.vertices = self.vertices | refs if pressed.held(ADD) else refs
                return
        super()._select_in_band(pressed, at)

    # The keyboard

    def takes_key(self, event: QKeyEvent) -> bool:
        """Return True for Delete with a vertex, for Escape with anything to give up, for arrows with a selection."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            return not event.modifiers() and bool(self._doomed())
        return super().takes_key(event) or (event.key() == Qt.Key.Key_Escape and bool(self.vertices))

    def _nudge(self, dx: int, dy: int) -> bool:
        record = self._handled
        if record is None or not self.vertices:
            self._keypoint = replace(self._keypoint, places={})
            return super()._nudge(dx, dy)
        changed = {record.id: with_vertices_moved(record, self.vertices, dx, dy, self._document.size)}
        self._commit_nudge(changed, f"vertices {sorted(self.vertices)} ")
        return True

    def _doomed(self) -> frozenset[VertexRef]:
        """Return the vertices that Delete removes: the selected ones, else the one under the mouse."""
        record, hit = self._handled, self.hit
        is_box = record is not None and record.is_box  # which has handles, not vertices
        if self.vertices or is_box or hit is None or hit.kind is not HitKind.VERTEX or hit.vertex is None:
            return self.vertices
        return frozenset((hit.vertex,))

    def _delete(self) -> bool:
        record, doomed = self._handled, self._doomed()
        if record is None or not doomed:
            return super()._delete()
        self._delete_vertices(record, doomed)
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
            return True
        return super()._escape()

    def cancel(self) -> None:
        """Give up the drag: the objects are where they were."""
        if isinstance(self._drag, InsertVertex) and self._dragging:
            self.vertices = frozenset()
        super().cancel()

    def _forget_drag(self) -> None:
        super()._forget_drag()
        self._snap = None

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

    def handles_area(self, camera: Camera) -> QRectF:
        """Return what the highlighted handles cover."""
        return select_overlay.area(self._view(), self.canvas, camera)

    def paint_handles(self, painter: QPainter, camera: Camera) -> None:
        """Paint the highlighted handles."""
        select_overlay.paint(self._view(), self.canvas, painter, camera)

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


def _grip_of(record: Annotation, hit: Hit) -> Grip:
    """Return the handle of a box that is under the mouse."""
    return grip_near(bounds(record.shape), hit.x, hit.y, corner=hit.kind is HitKind.VERTEX)
