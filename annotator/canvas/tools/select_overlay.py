"""The overlay and the hints of the select tool, as functions of a snapshot of its state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt

from annotator.canvas.gestures import BELOW, CANCEL, CENTRED, MOVE, NUDGE, PROPORTIONS, SELECT, Gesture, hint_of
from annotator.canvas.hit_testing import HitKind, Outline
from annotator.canvas.labels import Label, paint_label, width_of
from annotator.canvas.painting import handles, keypoint_color, snap_mark
from annotator.canvas.style import HANDLE, KEYPOINT, CanvasColors, dot, fill, pen
from annotator.canvas.tools.box_frame import MARGIN, paint_grips, shown_grips
from annotator.canvas.tools.keypoints import all_missing
from annotator.core.annotation import Visibility
from annotator.core.skeleton import spoken
from dataset.geometry import bounds
from dataset.i18n import mark, plural, tr

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PySide6.QtGui import QPainter

    from annotator.canvas.camera import Camera
    from annotator.canvas.hit_testing import Hit
    from annotator.canvas.snapping import Snap
    from annotator.canvas.tools.base import ToolHost
    from annotator.core.annotation import Annotation
    from dataset.geometry import VertexRef

_LARGE = HANDLE + 3.0

_CORRECT = Gesture(mark("Drag"), mark("to correct"))
_MOVE_ALL = Gesture(mark("Drag"), mark("move all"))
_MOVE_VERTEX = Gesture(mark("Drag"), mark("move vertex"))
_MORE_VERTICES = Gesture(mark("Shift+click"), mark("select more"))
_PULL_OUT = Gesture(mark("Drag"), mark("pull out a new vertex"))
_ADD_VERTEX = Gesture(mark("Double-click"), mark("add a vertex here"))
_MOVE_KEYPOINT = Gesture(mark("Drag"), mark("move keypoint"))
_RESIZE = Gesture(mark("Drag"), mark("resize the box"))
_LET_GO = Gesture(mark("Esc"), mark("let go"))
GESTURES = (
    SELECT, _MORE_VERTICES, BELOW, Gesture(mark("Drag beside objects:"), mark("select what is in the frame")),
    MOVE, NUDGE, _MOVE_VERTEX, _PULL_OUT, _ADD_VERTEX, Gesture(mark("Ctrl+click or Alt+click:"), mark("delete vertex")),
    _MOVE_KEYPOINT, _RESIZE, PROPORTIONS, CENTRED, _LET_GO,
)  # fmt: skip
"""Of the select tool."""

_KeyHint = tuple[str, str]
"""An action of the window, and what its key does."""
_DELETE = ("edit.delete", mark("{key} delete"))
_DELETE_ALL = ("edit.delete", mark("{key} delete all"))
_UNITE = ("object.unite", mark("{key} unite"))
_TRANSFORM = ("tool.transform", mark("{key} scale and rotate"))
_TURN = ("keypoint.visibility", mark("{key} visible / occluded / off"))
_ON_SUGGESTION: tuple[_KeyHint, ...] = (
    ("suggestion.accept", mark("{key} accept")),
    ("suggestion.next", mark("{key} next")),
    ("edit.delete", mark("{key} reject")),
)
_ON_OFFER: tuple[_KeyHint, ...] = (
    ("suggestion.next", mark("{key} next suggestion")),
    ("suggestion.accept_all", mark("{key} accept all")),
    ("suggestion.accept_all_done", mark("{key} accept all, done, next")),
)


@dataclass(frozen=True, slots=True)
class SelectView:
    """The state of the select tool that is shown."""

    record: Annotation | None
    """The object with handles, as a running drag would leave it."""
    vertices: frozenset[VertexRef]
    """Its selected vertices."""
    hit: Hit | None
    """Its handle under the mouse."""
    keypoint: int | None
    """Index of its keypoint under the mouse, else of the one clicked last."""
    place: tuple[float, float] | None
    """Where that keypoint is, or was before it was unlabelled, in photo pixels."""
    busy: bool
    """Whether something is being dragged."""
    hovered: int | None
    """Id of the object under the mouse."""
    named: Hit | None
    """The keypoint under the mouse of an object that has no handles, where none of the one with handles is."""
    stacked: bool
    """Whether there are others under it."""
    snap: Snap | None
    """Where the dragged vertex has snapped."""


def paint_band(painter: QPainter, rect: QRectF, colors: CanvasColors) -> None:
    """Paint the rubber band."""
    painter.setPen(pen(colors.accent, 1.0))
    painter.setBrush(fill(colors.accent, 36))
    painter.drawRect(rect)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def area(view: SelectView, host: ToolHost, camera: Camera) -> QRectF:
    """Return what `paint` covers, in viewport pixels."""
    points, label = _vertices(view, camera), _keypoint_label(view, host, camera)
    covered = QRectF()
    if view.record is not None and view.record.is_box:
        covered = camera.rect_to_view(bounds(view.record.shape)).adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN)
    if len(points):
        (x0, y0), (x1, y1) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        covered |= QRectF(x0, y0, x1 - x0, y1 - y0).adjusted(-_LARGE, -_LARGE, _LARGE, _LARGE)
    for point in (_under_mouse(view, camera), _keypoint_at(view, camera)):
        if point is not None:
            covered |= QRectF(point.x() - _LARGE, point.y() - _LARGE, 2 * _LARGE, 2 * _LARGE)
    if view.snap is not None:
        covered |= QRectF(camera.point_to_view(*view.snap[:2]), QSizeF()).adjusted(-_LARGE, -_LARGE, _LARGE, _LARGE)
    return covered if label is None else covered | label.rect.adjusted(-1, -1, 1, 1)


def paint(view: SelectView, host: ToolHost, painter: QPainter, camera: Camera) -> None:
    """Paint the selected vertices, the handle under the mouse, the name of a keypoint."""
    record, colors = view.record, host.colors
    label = _keypoint_label(view, host, camera)
    if label is not None:
        paint_label(painter, label, colors, strong=True)
    if record is None:
        return
    color = host.content.category(record).color
    if record.is_box:
        paint_grips(painter, [at for _, at in shown_grips(camera.rect_to_view(bounds(record.shape)))], color)
    handles(painter, _vertices(view, camera), colors.accent, _LARGE)
    if view.snap is not None:
        snap_mark(painter, camera.point_to_view(*view.snap[:2]), colors.accent, is_vertex=view.snap.is_vertex)
    _paint_under_mouse(view, painter, camera, color)
    keypoint = _keypoint_at(view, camera)
    if keypoint is not None:
        painter.setPen(pen("#ffffff", 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(keypoint, KEYPOINT - 1.0, KEYPOINT - 1.0)


def _paint_under_mouse(view: SelectView, painter: QPainter, camera: Camera, color: str) -> None:
    at = _under_mouse(view, camera)
    if at is not None and view.hit is not None:
        if view.hit.kind is HitKind.EDGE:  # a vertex that is not there yet
            for ink, size in (("#000000", HANDLE + 1.5), ("#ffffff", HANDLE), (color, HANDLE - 2.0)):
                painter.setPen(dot(ink, size))
                painter.drawPoint(at)
            painter.setPen(pen("#ffffff", 1.2))
            painter.drawLine(at - QPointF(2, 0), at + QPointF(2, 0))
            painter.drawLine(at - QPointF(0, 2), at + QPointF(0, 2))
        elif view.hit.vertex not in view.vertices and view.hit.kind is HitKind.VERTEX:
            for ink, size in (("#000000", _LARGE + 1.5), ("#ffffff", _LARGE), (color, _LARGE - 4.0)):
                painter.setPen(dot(ink, size))
                painter.drawPoint(at)


def hint(view: SelectView, host: ToolHost) -> str:
    """Return what can be done now, in one line."""
    return hint_of(*_hints(view, host))


def _hints(view: SelectView, host: ToolHost) -> list[Gesture | str]:
    record, hit, count = view.record, view.hit, len(view.vertices)
    selection = host.content.selected
    hints: list[Gesture | str]
    if view.busy:
        hints = [tr("Release to finish"), CANCEL]
    elif count and (hit is None or hit.kind is HitKind.VERTEX):
        delete = plural("Del delete vertex", "Del delete {n} vertices", count)
        hints = [delete, NUDGE, _LET_GO]
    elif hit is not None and hit.kind is not HitKind.SHAPE:
        hints = _handle_hints(hit, record, host)
    elif view.hovered is not None and all(r.id != view.hovered for r in selection):
        suggested = view.hovered < 0  # a first drag leaves it where it is, because moving it accepts it
        click = [tr("Click select suggestion, then drag to correct")] if suggested else [SELECT, MOVE]
        on_suggestion = bool(selection and selection[-1].is_suggestion)
        hints = [*_keyed(host, *_ON_SUGGESTION), *click] if on_suggestion else [*click, *_below(view)]
    elif record is None:
        hints = [*_keyed(host, *_ON_OFFER)] if host.document and host.document.shown_suggestions else []
    elif record.is_suggestion:
        hints = [*_keyed(host, *_ON_SUGGESTION), _CORRECT, *_below(view)]
    elif len(selection) > 1:
        hints = [_MOVE_ALL, *_keyed(host, _DELETE_ALL, _UNITE, _TRANSFORM)]
    else:
        hints = [MOVE, NUDGE, *_keyed(host, _DELETE, _TRANSFORM)]
        hints += [*_missing(host, record), *_below(view)]
    return hints


def _handle_hints(hit: Hit, record: Annotation | None, host: ToolHost) -> list[Gesture | str]:
    if hit.kind is not HitKind.KEYPOINT and record is not None and record.is_box:
        return [_RESIZE, PROPORTIONS, CENTRED]
    if hit.kind is HitKind.VERTEX:
        return [_MOVE_VERTEX, tr("Del delete"), _MORE_VERTICES]
    if hit.kind is HitKind.EDGE:
        return [_PULL_OUT, _ADD_VERTEX]
    turn = _keyed(host, _TURN)
    is_off = record is not None and hit.keypoint is not None and not record.keypoints[hit.keypoint].visibility
    return [*turn] if is_off else [_MOVE_KEYPOINT, *turn]


def _keyed(host: ToolHost, *hints: _KeyHint) -> list[str]:
    """Return those whose action has a key, with the one that it has now."""
    return [tr(text, key=key) for action, text in hints if (key := host.key_of(action))]


def _below(view: SelectView) -> list[Gesture]:
    # Alt+click does it too, but many window managers take that for themselves.
    return [BELOW] if view.stacked else []


def _missing(host: ToolHost, record: Annotation) -> list[str]:
    names = host.content.category(record).keypoint_names
    left = all_missing(record, len(names))
    key, all_key = host.key_of("keypoint.place"), host.key_of("tool.keypoints")
    one = [tr("{key} place {keypoint}", key=key, keypoint=spoken(names[left[0]]))] if left and key else []
    return [*one, tr("{key} place all", key=all_key)] if len(left) > 1 and all_key else one


def _vertices(view: SelectView, camera: Camera) -> NDArray[np.float64]:
    record = view.record
    if record is None or not view.vertices:
        return camera.to_view(())
    outline = Outline.of(record)
    return camera.to_view(outline.starts[outline.rows(view.vertices)])


def _under_mouse(view: SelectView, camera: Camera) -> QPointF | None:
    hit = view.hit
    is_box = view.record is not None and view.record.is_box
    if hit is None or view.busy or is_box or hit.kind is HitKind.KEYPOINT:
        return None
    return camera.point_to_view(hit.x, hit.y)


def _keypoint_at(view: SelectView, camera: Camera) -> QPointF | None:
    return None if view.place is None else camera.point_to_view(*view.place)


def _keypoint_label(view: SelectView, host: ToolHost, camera: Camera) -> Label | None:
    record, index, at = view.record, view.keypoint, _keypoint_at(view, camera)
    if view.named is not None and not view.busy and view.named.id in host.content:
        record, index = host.content[view.named.id], view.named.keypoint
        at = camera.point_to_view(view.named.x, view.named.y)
    if record is None or at is None or index is None:
        return None
    category = host.content.category(record)
    if index >= len(category.keypoint_names):
        return None
    name = spoken(category.keypoint_names[index])
    visibility = record.keypoints[index].visibility
    if visibility is Visibility.VISIBLE:
        text = name
    elif visibility is Visibility.OCCLUDED:
        text = tr("{keypoint} (occluded)", keypoint=name)
    else:
        text = tr("{keypoint} (off)", keypoint=name)
    return keypoint_label(text, keypoint_color(category, index), at, host)


def keypoint_label(text: str, color: str, at: QPointF, host: ToolHost) -> Label:
    """Return a label beside a keypoint, or where the next one will be, in viewport pixels."""
    return Label(at.x() + 12, at.y() - 9, width_of(text), text, color).inside(QRectF(host.viewport().rect()))
