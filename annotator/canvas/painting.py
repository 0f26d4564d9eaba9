"""Painting shapes, keypoints and handles. Every function leaves the painter in viewport pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QTransform

from annotator.canvas.camera import Camera, qpoints
from annotator.canvas.hit_testing import FULL_SIZE, extent
from annotator.canvas.style import (
    DASH,
    HALO,
    HANDLE,
    KEYPOINT,
    LINE,
    MIDDLE_COLOR,
    SIDE_COLORS,
    WEAK_KEYPOINT,
    dot,
    fill,
    pen,
    zoomed_pen,
)
from annotator.core.annotation import Visibility
from annotator.core.skeleton import SIDES, sides

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from annotator.core.annotation import Annotation
    from dataset.coco.categories import Category

# Qt strokes a one-pixel antialiased line ten times as fast as a wider one. Four of them, shifted, look like a line of
# LINE pixels, and four more around them like its halo (200 shapes of 60 vertices: 20 ms instead of 83).
_HALO_SHIFTS = ((1.3, 0.0), (-1.3, 0.0), (0.0, 1.3), (0.0, -1.3))
_LINE_SHIFTS = ((0.4, 0.0), (-0.4, 0.0), (0.0, 0.4), (0.0, -0.4))
_THIN_SHIFTS = ((0.0, 0.0),)
_DENSE = 1500  # vertices from which an outline that follows the mouse is painted with hairlines, too
_HALO_COLOR = "#000000"
_HAIRLINES_TO = 1.5  # device pixel ratio up to which hairlines are wide enough


def outline(
    painter: QPainter, camera: Camera, path: QPainterPath, color: str, *, dashed: bool, thin: bool = False
) -> None:
    """An outline at rest with its halo, or a hairline alone if `thin`. The brush and the hints are the caller's."""
    if camera.ratio > _HAIRLINES_TO:
        _stroke(painter, camera, path, color, LINE, dashed=dashed)
        return
    hair = 1.0 / camera.ratio
    halo, line = ((), _THIN_SHIFTS) if thin else (_HALO_SHIFTS, _LINE_SHIFTS)
    painter.setPen(zoomed_pen(_HALO_COLOR, hair, camera.ratio, 80))
    for shift in halo:
        painter.setWorldTransform(camera.transform(*shift))
        painter.drawPath(path)
    painter.setPen(zoomed_pen(color, hair, camera.ratio, 255 if thin else 200, DASH if dashed else ()))
    for shift in line:
        painter.setWorldTransform(camera.transform(*shift))
        painter.drawPath(path)
    painter.setWorldTransform(QTransform())


def filled(painter: QPainter, camera: Camera, path: QPainterPath, color: str, alpha: int) -> None:
    """A shape filled with a translucent colour."""
    painter.setWorldTransform(camera.transform())
    painter.fillPath(path, fill(color, alpha))
    painter.setWorldTransform(QTransform())


def strong_outline(
    painter: QPainter, camera: Camera, path: QPainterPath, color: str, width: float, *, dashed: bool = False
) -> None:
    """An outline of any width with its halo; one of very many vertices as at rest."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if path.elementCount() > _DENSE:
        outline(painter, camera, path, color, dashed=dashed)
    else:
        _stroke(painter, camera, path, color, width, dashed=dashed)


def _stroke(painter: QPainter, camera: Camera, path: QPainterPath, color: str, width: float, *, dashed: bool) -> None:
    painter.setWorldTransform(camera.transform())
    painter.setPen(zoomed_pen(_HALO_COLOR, width + 2 * HALO, camera.ratio, 110))
    painter.drawPath(path)
    painter.setPen(zoomed_pen(color, width, camera.ratio, 255, DASH if dashed else ()))
    painter.drawPath(path)
    painter.setWorldTransform(QTransform())


def handles(painter: QPainter, points: NDArray[np.float64], color: str, diameter: float = HANDLE) -> None:
    """Discs of a class colour with a light rim at viewport positions (N, 2)."""
    if not len(points):
        return
    centres = qpoints(_apart(points, diameter).tolist())
    for ink, size in ((_HALO_COLOR, diameter + 1.5), ("#ffffff", diameter), (color, diameter - 3.0)):
        if size > 1.0:
            painter.setPen(dot(ink, size))
            painter.drawPoints(centres)


SNAP_MARK = 14.0
"""Size of a snap mark in viewport pixels."""


def snap_mark(painter: QPainter, at: QPointF, color: str, *, is_vertex: bool) -> None:
    """Paint where a point snaps, at a viewport position: a square on a vertex, a circle on an edge."""
    half = SNAP_MARK / 2 - 2.0
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for ink in (pen("#000000", 4.0, 140), pen("#ffffff", 2.6), pen(color, 1.6)):
        painter.setPen(ink)
        if is_vertex:
            painter.drawRect(QRectF(at.x() - half, at.y() - half, 2 * half, 2 * half))
        else:
            painter.drawEllipse(at, half, half)


def _apart(points: NDArray[np.float64], diameter: float) -> NDArray[np.float64]:
    """Leave out points that lie on one that is there already, of those that follow one another."""
    cells = np.floor(points / (diameter / 2))
    return points[np.concatenate(([True], (cells[1:] != cells[:-1]).any(axis=1)))]


def handle_diameter(points: NDArray[np.float64]) -> float:
    """Return how large handles at viewport positions (N, 2) can be without covering the outline."""
    if len(points) < 2:
        return HANDLE
    steps = np.hypot(*np.diff(points, axis=0).T)
    return float(np.clip(0.8 * np.median(steps), 3.0, HANDLE))


def keypoint_diameter(camera: Camera, record: Annotation) -> float:
    """Return how large keypoints can be without covering a small object."""
    x0, y0, x1, y1 = extent(record)
    return float(np.clip(KEYPOINT * max(x1 - x0, y1 - y0) * camera.scale / FULL_SIZE, KEYPOINT / 2, KEYPOINT))


def skeleton(painter: QPainter, camera: Camera, record: Annotation, category: Category, *, strong: bool) -> None:
    """Keypoints and the lines between them: visible ones filled, occluded ones hollow, others not at all.

    Those of one side, by their names, are of its colour if `strong`.
    """
    if not record.keypoints:
        return
    points = camera.to_view([keypoint[:2] for keypoint in record.keypoints]).tolist()
    shown = [keypoint.visibility is not Visibility.UNLABELLED for keypoint in record.keypoints]
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if not strong:  # a crowd's keypoints must not hide the crowd
        painter.setPen(pen(category.color, 1.0, 150))
        painter.drawPath(_limbs(points, shown, category.skeleton))
        shown_points = [QPointF(*p) for p, there in zip(points, shown, strict=True) if there]
        _dots(painter, shown_points, ((_HALO_COLOR, WEAK_KEYPOINT + 1.5), (category.color, WEAK_KEYPOINT)))
        return
    painter.setPen(pen(_HALO_COLOR, 3.5, 110))
    painter.drawPath(_limbs(points, shown, category.skeleton))
    side = dict(enumerate(sides(category.keypoint_names)))
    for name in SIDES:
        painter.setPen(pen(SIDE_COLORS.get(name, category.color), 1.5))
        painter.drawPath(_limbs(points, shown, [e for e in category.skeleton if _side_of(e, side) == name]))
    size = keypoint_diameter(camera, record)
    for name in SIDES:
        color = _side_color(name, category)
        at = {
            v: [
                QPointF(*p)
                for i, p in enumerate(points)
                if record.keypoints[i].visibility == v and side.get(i, "") == name
            ]
            for v in (Visibility.VISIBLE, Visibility.OCCLUDED)
        }
        _dots(painter, at[Visibility.VISIBLE], ((_HALO_COLOR, size + 3.0), ("#ffffff", size + 1.5), (color, size)))
        _dots(
            painter, at[Visibility.OCCLUDED], ((_HALO_COLOR, size + 3.0), (color, size + 1.5), ("#1b1b1d", size - 1.5))
        )


def keypoint_color(category: Category, index: int) -> str:
    """Return the colour of a keypoint of an object that is worked on: that of its side, or the class's."""
    return _side_color(sides(category.keypoint_names)[index], category)


def _side_color(side: str, category: Category) -> str:
    has_sides = any(sides(category.keypoint_names))
    return SIDE_COLORS.get(side, MIDDLE_COLOR if has_sides else category.color)


def _limbs(points: list[list[float]], shown: list[bool], edges: Iterable[tuple[int, int]]) -> QPainterPath:
    lines, count = QPainterPath(), len(points)
    for a, b in edges:
        if a < count and b < count and shown[a] and shown[b]:
            lines.moveTo(*points[a])
            lines.lineTo(*points[b])
    return lines


def _side_of(edge: tuple[int, int], side: Mapping[int, str]) -> str:
    """Return the side of a line whose ends have one: none where they have two, or neither."""
    found = {side.get(end, "") for end in edge} - {""}
    return found.pop() if len(found) == 1 else ""


def _dots(painter: QPainter, points: list[QPointF], rings: Iterable[tuple[str, float]]) -> None:
    if points:
        for color, diameter in rings:
            painter.setPen(dot(color, diameter))
            painter.drawPoints(points)
