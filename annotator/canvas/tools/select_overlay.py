"""What the select tool shows and says about the handle under the mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt

from annotator.canvas.hit_testing import HitKind, Outline
from annotator.canvas.labels import Label, paint_label, width_of
from annotator.canvas.painting import handles
from annotator.canvas.style import HANDLE, KEYPOINT, CanvasColors, dot, fill, pen
from annotator.canvas.tools.keypoints import missing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PySide6.QtGui import QPainter

    from annotator.canvas.camera import Camera
    from annotator.canvas.tools.select import SelectTool
    from annotator.core.annotation import Annotation

_SEPARATOR = "  ·  "
_LARGE = HANDLE + 3.0
_ON_HANDLE = {
    HitKind.VERTEX: ["Drag move vertex", "Del delete", "Shift+click select more"],
    HitKind.EDGE: ["Drag pull out a new vertex", "Double-click add one here"],
    HitKind.KEYPOINT: ["Drag move keypoint", ". visible / occluded / off"],
}


def paint_band(painter: QPainter, rect: QRectF, colors: CanvasColors) -> None:
    """The rubber band."""
    painter.setPen(pen(colors.accent, 1.0))
    painter.setBrush(fill(colors.accent, 36))
    painter.drawRect(rect)


def area(tool: SelectTool, camera: Camera) -> QRectF:
    """What `paint` covers."""
    points, label = _vertices(tool, camera), _keypoint_label(tool, camera)
    covered = QRectF()
    for x, y in points.tolist():
        covered |= QRectF(x - _LARGE, y - _LARGE, 2 * _LARGE, 2 * _LARGE)
    for point in (_under_mouse(tool, camera), _keypoint_at(tool, camera)):
        if point is not None:
            covered |= QRectF(point.x() - _LARGE, point.y() - _LARGE, 2 * _LARGE, 2 * _LARGE)
    return covered if label is None else covered | label.rect.adjusted(-1, -1, 1, 1)


def paint(tool: SelectTool, painter: QPainter, camera: Camera) -> None:
    """Selected vertices, the handle under the mouse, the name of a keypoint."""
    record, colors = tool.shown(), tool.canvas.colors
    if record is None:
        return
    color = tool.canvas.content.category(record).color
    handles(painter, _vertices(tool, camera), colors.accent, _LARGE)
    at = _under_mouse(tool, camera)
    if at is not None and tool.hit is not None:
        if tool.hit.kind is HitKind.EDGE:  # a vertex that is not there yet
            for ink, size in (("#000000", HANDLE + 1.5), ("#ffffff", HANDLE), (color, HANDLE - 2.0)):
                painter.setPen(dot(ink, size))
                painter.drawPoint(at)
            painter.setPen(pen("#ffffff", 1.2))
            painter.drawLine(at - QPointF(2, 0), at + QPointF(2, 0))
            painter.drawLine(at - QPointF(0, 2), at + QPointF(0, 2))
        elif tool.hit.vertex not in tool.vertices and tool.hit.kind is HitKind.VERTEX:
            for ink, size in (("#000000", _LARGE + 1.5), ("#ffffff", _LARGE), (color, _LARGE - 4.0)):
                painter.setPen(dot(ink, size))
                painter.drawPoint(at)
    keypoint = _keypoint_at(tool, camera)
    if keypoint is not None:
        painter.setPen(pen("#ffffff", 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(keypoint, KEYPOINT - 1.0, KEYPOINT - 1.0)
    label = _keypoint_label(tool, camera)
    if label is not None:
        paint_label(painter, label, colors, strong=True)


def hint(tool: SelectTool) -> str:
    """What can be done now, in one line."""
    return _SEPARATOR.join(_hints(tool, tool.shown()))


def _hints(tool: SelectTool, record: Annotation | None) -> list[str]:
    hit, count = tool.hit, len(tool.vertices)
    selection = tool.canvas.content.selected
    if tool.busy:
        said = ["Release to finish", "Esc cancel"]
    elif count and (hit is None or hit.kind is HitKind.VERTEX):
        said = ["Del delete vertex" if count == 1 else f"Del delete {count} vertices", "Arrows nudge", "Esc let go"]
    elif hit is not None and hit.kind in _ON_HANDLE:
        said = _ON_HANDLE[hit.kind]
    elif tool.hovered is not None and all(r.id != tool.hovered for r in selection):
        said = ["Click select suggestion" if tool.hovered < 0 else "Click select", "Alt+click what lies below"]
        if selection and selection[-1].is_suggestion:
            said = ["Enter accept", "Tab next", "Del reject", *said[:1]]
    elif record is None:
        said = []
    elif record.is_suggestion:
        said = ["Enter accept", "Tab next", "Del reject", "Drag to correct"]
    elif len(selection) > 1:
        said = ["Drag move all", "Del delete all"]
    else:
        said = ["Drag move", "Arrows nudge", "Del delete", *_missing(tool, record)]
    return said


def _missing(tool: SelectTool, record: Annotation) -> list[str]:
    names = tool.canvas.content.category(record).keypoint_names
    index = missing(record, len(names))
    return [] if index is None else [f"K place {names[index].replace('_', ' ')}"]


def _vertices(tool: SelectTool, camera: Camera) -> NDArray[np.float64]:
    record = tool.shown()
    if record is None or not tool.vertices:
        return camera.to_view(())
    outline = Outline.of(record)
    return camera.to_view(
        outline.starts[[row for row in range(len(outline.refs)) if outline.ref(row) in tool.vertices]]
    )


def _under_mouse(tool: SelectTool, camera: Camera) -> QPointF | None:
    hit = tool.hit
    if hit is None or tool.busy or hit.kind is HitKind.KEYPOINT:
        return None
    return camera.point_to_view(hit.x, hit.y)


def _keypoint_at(tool: SelectTool, camera: Camera) -> QPointF | None:
    record, index = tool.shown(), tool.keypoint
    if record is None or index is None or index >= len(record.keypoints) or not record.keypoints[index].visibility:
        return None
    return camera.point_to_view(*record.keypoints[index][:2])


def _keypoint_label(tool: SelectTool, camera: Camera) -> Label | None:
    record, at = tool.shown(), _keypoint_at(tool, camera)
    if record is None or at is None or tool.keypoint is None:
        return None
    category = tool.canvas.content.category(record)
    if tool.keypoint >= len(category.keypoint_names):
        return None
    name = category.keypoint_names[tool.keypoint].replace("_", " ")
    text = name if record.keypoints[tool.keypoint].visibility == 2 else f"{name} (occluded)"
    label = Label(at.x() + 12, at.y() - 9, width_of(text), text, category.color)
    return label.inside(QRectF(tool.canvas.viewport().rect()))
