"""The static layer: the photo and, over it, every shape at rest. Painted into the backdrop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from annotator.canvas.labels import Label, paint_label, place
from annotator.canvas.look import Look, map_values
from annotator.canvas.painting import filled, outline, skeleton
from annotator.canvas.style import SELECTED_FILL

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from annotator.canvas.camera import Camera
    from annotator.canvas.hit_testing import Index
    from annotator.canvas.image_pyramid import ImagePyramid
    from annotator.canvas.style import CanvasColors
    from annotator.canvas.visible_records import VisibleRecords
    from annotator.core.annotation import Annotation

REACH = 14.0  # how far from its bounds an active shape paints, in screen pixels: lines, handles, keypoints
_LINES = 5.0  # the same for a shape at rest
_CROWD = 1000  # of more shapes than that, each has a thinner outline


class StaticLayer:
    """Paints the photo, annotations, suggestions and the names that have room."""

    def __init__(self, content: VisibleRecords) -> None:
        self.photo: ImagePyramid | None = None
        """The photo, or None while it is being read."""
        self.show_names = True
        """Whether names are shown unasked."""
        self.look = Look()
        """How the photo and the shapes are shown."""
        self.hidden: AbstractSet[int] = frozenset()
        """Ids that are left out, because a gesture shows them elsewhere."""
        self.marked: AbstractSet[int] = frozenset()
        """Ids that are painted as selected, because they are too many for the active layer."""
        self._content = content
        self._labels: dict[int, Label] = {}
        self._label_boxes: tuple[list[tuple[int, Label]], NDArray[np.float64]] | None = None  # the same, to be found
        self._colors: dict[int, tuple[Annotation, str]] = {}  # by id, until classes change
        self._placed_for: tuple[float, Index, bool] | None = None

    def forget_labels(self) -> None:
        """Names or colours of classes changed: place the labels anew next time."""
        self._placed_for = None
        self._colors.clear()

    def place_labels(self, scale: float) -> list[QRectF]:
        """Place the names, if need be. Returns where one came or went, in pixels of the zoomed photo."""
        placing = scale, self._content.index, self.show_names
        if placing == self._placed_for:
            return []
        self._placed_for = placing
        placed = place(self._content, scale) if self.show_names else {}
        moved = set(self._labels.values()) ^ set(placed.values())
        self._labels, self._label_boxes = placed, None
        return [label.rect for label in moved]

    def label_rect(self, annotation_id: int) -> QRectF:
        """Return where the name of a record stands, in pixels of the zoomed photo; empty where none is shown."""
        label = self._labels.get(annotation_id)
        return QRectF() if label is None else label.rect

    @property
    def is_crowd(self) -> bool:
        """Whether there are so many shapes that painting them all takes longer than a frame."""
        return len(self._content.index) > _CROWD

    def paint(self, painter: QPainter, rect: QRect, camera: Camera, colors: CanvasColors) -> None:
        """Paint a rectangle of the viewport."""
        self.paint_photo(painter, rect, camera, colors)
        if self.look.photo_only:
            return
        self._paint_shapes(painter, QRectF(rect), camera)
        for annotation_id, label in self._labels_in(QRectF(rect).translated(-camera.dx, -camera.dy)):
            if annotation_id not in self.hidden:
                paint_label(painter, label.moved(camera.dx, camera.dy), colors)

    def paint_photo(self, painter: QPainter, rect: QRect, camera: Camera, colors: CanvasColors) -> None:
        """Paint the photo in a rectangle of the viewport."""
        painter.fillRect(rect, QColor(colors.background))
        size = self._size()
        if size is not None:
            area = camera.rect_to_view((0, 0, *size))
            painter.fillRect(area.adjusted(-1, -1, 1, 1), QColor(colors.border))
            painter.fillRect(area, QColor(colors.background))
            if self.photo is not None:
                self._paint_photo(painter, self.photo, area, rect, camera)

    def _paint_photo(self, painter: QPainter, photo: ImagePyramid, area: QRectF, rect: QRect, camera: Camera) -> None:
        """Paint what is in `rect` of the photo, all of which is at `area`. Its tone is that of pixels on the screen.

        So a slider costs the same at every zoom and size of the photo: at most one look-up per pixel of the view.
        """
        part = (area & QRectF(rect)).toAlignedRect()
        scale = area.width() / photo.size.width() * camera.ratio
        if self.look.tone.is_neutral or part.isEmpty():
            photo.paint(painter, area, scale, QRectF(part))
            return
        image = QImage((QSizeF(part.size()) * camera.ratio).toSize(), QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(camera.ratio)
        onto = QPainter(image)
        shift = -QPointF(part.topLeft())
        photo.paint(onto, area.translated(shift), scale, QRectF(part).translated(shift))
        onto.end()
        map_values(image, self.look.tone.table(photo.value_counts))
        painter.save()
        painter.setClipRect(area, Qt.ClipOperation.IntersectClip)
        painter.drawImage(part.topLeft(), image)
        painter.restore()

    def _labels_in(self, rect: QRectF) -> list[tuple[int, Label]]:
        """Return the names in a rectangle of the zoomed photo, with the ids of their records."""
        if self._label_boxes is None:
            boxes = [label.rect.getCoords() for label in self._labels.values()]
            self._label_boxes = list(self._labels.items()), np.array(boxes, float).reshape(-1, 4)
        labels, boxes = self._label_boxes
        x0, y0, x1, y1 = boxes.T
        seen = (x0 < rect.right()) & (y0 < rect.bottom()) & (x1 > rect.left()) & (y1 > rect.top())
        return [labels[i] for i in np.flatnonzero(seen).tolist()]

    def _color(self, record: Annotation) -> str:
        known = self._colors.get(record.id)
        if known is None or known[0] is not record:
            known = self._colors[record.id] = record, self._content.color(record)
        return known[1]

    def _size(self) -> tuple[int, int] | None:
        if self._content.document is not None:
            return self._content.document.size
        return None if self.photo is None else (self.photo.size.width(), self.photo.size.height())

    def _paint_shapes(self, painter: QPainter, rect: QRectF, camera: Camera) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        content, index = self._content, self._content.index
        scale = camera.scale * camera.ratio
        box = camera.box_to_photo(rect.adjusted(-_LINES, -_LINES, _LINES, _LINES))
        rows = index.crossing(*box)
        looks: dict[tuple[str, bool], list[int]] = {}
        skeletons, resting = [], self.look.resting_alpha
        for row in rows.tolist():
            record = index[row]
            if record.id in self.hidden:
                continue
            color = self._color(record)
            looks.setdefault((color, record.is_suggestion), []).append(row)
            if record.keypoints:
                skeletons.append(record)
            alpha = SELECTED_FILL if record.id in self.marked and not self.look.outlines_only else resting
            if alpha:
                filled(painter, camera, content.paths.get(record, scale), color, alpha)
        # Of a dashed outline all is painted: its dashes begin at its first vertex.
        for dashes, part in ((False, box), (True, None)):
            alike = {color: of_color for (color, dashed), of_color in looks.items() if dashed == dashes}
            paths = index.shapes.paths(list(alike.values()), scale, part)
            for color, path in zip(alike, paths, strict=True):
                outline(painter, camera, path, color, dashed=dashes, thin=self.is_crowd)
        for record in skeletons:
            skeleton(painter, camera, record, content.category(record), strong=False)
