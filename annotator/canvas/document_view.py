"""A view that shows a document over its photo, and paints only what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRect, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QPalette

from annotator.canvas.active_layer import MANY, ActiveLayer
from annotator.canvas.backdrop import Backdrop
from annotator.canvas.hit_testing import extent, extents
from annotator.canvas.navigation import ZoomPanView
from annotator.canvas.static_layer import REACH, StaticLayer
from annotator.canvas.style import CanvasColors
from annotator.canvas.visible_records import VisibleRecords

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
    from PySide6.QtWidgets import QWidget

    from annotator.canvas.camera import Box, Camera
    from annotator.canvas.image_pyramid import ImagePyramid
    from annotator.canvas.look import Look
    from annotator.core.annotation import Annotation
    from annotator.core.categories import Categories
    from annotator.core.document import Document

_PATIENCE = 700  # milliseconds without a photo, after which it is said what is awaited
_CENTRED = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
_MANY_BOXES = 64  # of more changed records than that, everything between them is painted anew


class DocumentView(ZoomPanView):
    """Renders a document and follows its events. What is under the mouse is the subclass's business."""

    def __init__(self, categories: Categories, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.content = VisibleRecords(categories)
        """What is shown, for finding and painting."""
        self._colors = CanvasColors()
        self._static = StaticLayer(self.content)
        self._active = ActiveLayer(self.content)
        self._backdrop = Backdrop(self._paint_backdrop, self._paint_draft)
        self._refining = QTimer(self, singleShot=True, interval=0)
        self._refining.timeout.connect(self._refine)
        self._awaited = ""
        self._awaiting = QTimer(self, singleShot=True, interval=_PATIENCE)
        self._awaiting.timeout.connect(self.viewport().update)
        self._exposed = QRect()  # what is being painted
        self._overlay = QRect()  # what the subclass paints over everything
        categories.changed.connect(self._categories_changed)

    @property
    def document(self) -> Document | None:
        """What is being worked on."""
        return self.content.document

    def set_document(self, document: Document | None) -> None:
        """Show another document, or none. Its photo may come before or after."""
        before = self.content.document
        if before is not None:
            before.changed.disconnect(self._records_changed)
            before.suggestions_changed.disconnect(self._records_changed)
            before.selection_changed.disconnect(self._active_changed)
        self.content.document = document
        if document is not None:
            document.changed.connect(self._records_changed)
            document.suggestions_changed.connect(self._records_changed)
            document.selection_changed.connect(self._active_changed)
        self.content.sync()
        self._follow_size()
        self._active_changed()
        self._view_changed(keeps=False)

    def set_photo(self, photo: ImagePyramid | None, awaited: str = "") -> None:
        """Show another photo, or none while it is being read: then, after a while, a sentence in its place."""
        self._static.photo = photo
        self._awaited = awaited
        self._awaiting.start() if awaited else self._awaiting.stop()
        self._follow_size()
        self._view_changed(keeps=False)

    def set_colors(self, colors: CanvasColors) -> None:
        """Take over the theme's colours."""
        self._colors = colors
        self._view_changed()

    @property
    def colors(self) -> CanvasColors:
        """The theme's colours."""
        return self._colors

    @property
    def show_names(self) -> bool:
        """Whether names are shown without being asked for, where there is room."""
        return self._static.show_names

    @show_names.setter
    def show_names(self, value: bool) -> None:
        self._static.show_names = value
        self._view_changed()

    @property
    def look(self) -> Look:
        """How the photo and what is on it are shown."""
        return self._static.look

    @look.setter
    def look(self, look: Look) -> None:
        self._static.look = look
        self._active.fills = not look.outlines_only
        self._view_changed()

    def pixel(self, x: int, y: int) -> tuple[int, int, int] | None:
        """Return red, green and blue of a pixel of the photo as it is, or None while there is no photo."""
        return None if self._static.photo is None else self._static.photo.pixel(x, y)

    @property
    def colors_objects(self) -> bool:
        """Whether each object has a colour of its own, not its class's."""
        return self.content.colors_objects

    @colors_objects.setter
    def colors_objects(self, value: bool) -> None:
        self.content.colors_objects = value
        self._categories_changed()

    @property
    def is_drafted(self) -> bool:
        """Whether what is shown is in part a draft, which is painted anew between events."""
        return self._backdrop.is_drafted

    def zoom_to_selection(self) -> None:
        """Show the selected objects as large as they fit; without any, the whole photo."""
        boxes = [extent(record) for record in self.content.selected]
        if boxes:
            x0, y0, x1, y1 = zip(*boxes, strict=True)
            self.zoom_to_box((min(x0), min(y0), max(x1), max(y1)))
        else:
            self.fit()

    def show_active(self, hovered: int | None, preview: Mapping[int, Annotation], overlay: QRectF) -> None:
        """Show what is hovered and previewed, and paint anew what `paint_over` covers, in viewport pixels."""
        camera, viewport = self.camera(), self.viewport()
        selection = self.document.selection if self.document is not None else ()
        hidden, marked = frozenset(preview), frozenset(selection if len(selection) > MANY else ())
        changed = (hidden ^ self._static.hidden) | (marked ^ self._static.marked)
        self._static.hidden, self._static.marked = hidden, marked
        for annotation_id in changed:
            if annotation_id in self.content:
                self._repaint_static(extent(self.content[annotation_id]), camera)
                self._repaint(self._static.label_rect(annotation_id).translated(camera.dx, camera.dy))
        for rect in self._active.follow(camera, viewport.rect(), hovered, preview):
            viewport.update(rect)
        before, self._overlay = self._overlay, overlay.toAlignedRect()
        for rect in (before, self._overlay):
            if not rect.isEmpty():
                viewport.update(rect)

    # For the subclass

    def paint_over(self, painter: QPainter, camera: Camera) -> None:
        """Paint over everything, in viewport pixels."""

    def _active_changed(self) -> None:
        """The selection or the records changed."""

    def _camera_changed(self) -> None:
        """What is under the mouse is somewhere else in the photo now, or looks different."""

    # Following the document

    def _records_changed(self, _ids: frozenset[int] = frozenset()) -> None:
        changed = self.content.sync()
        if not changed:
            return
        camera = self.camera()
        if len(changed) > _MANY_BOXES and self._static.is_crowd:
            self._view_changed()
            self._active_changed()
            return
        boxes = extents(changed)
        if len(boxes) > _MANY_BOXES:
            boxes = np.concatenate((boxes.min(axis=0)[:2], boxes.max(axis=0)[2:]))[None]
        for x0, y0, x1, y1 in boxes.tolist():
            self._repaint_static((x0, y0, x1, y1), camera)
        for rect in self._static.place_labels(camera.scale):
            self._repaint(rect.translated(camera.dx, camera.dy))
        self._active_changed()

    def _categories_changed(self) -> None:
        self._static.forget_labels()
        self._active.forget()
        self._view_changed()

    def _follow_size(self) -> None:
        if self.document is not None:
            self.set_photo_size(self.document.size)
        elif self._static.photo is not None:
            size = self._static.photo.size
            self.set_photo_size((size.width(), size.height()))

    def _view_changed(self, *, keeps: bool = True) -> None:
        """Paint everything anew. `keeps`: what is shown now is a good stand-in until then."""
        self._backdrop.resize(self.viewport().size(), self.devicePixelRatioF())
        if self._static.is_crowd:
            self._backdrop.invalidate_by_bands(keeps=keeps)
        else:
            self._static.place_labels(self.scale_factor)
            self._backdrop.invalidate()
        self.viewport().update()
        self._camera_changed()

    def _repaint_static(self, box: Box, camera: Camera) -> None:
        self._repaint(camera.rect_to_view(box).adjusted(-REACH, -REACH, REACH, REACH))

    def _repaint(self, area: QRectF) -> None:
        rect = area.toAlignedRect() & self.viewport().rect()
        if not rect.isEmpty():
            self._backdrop.invalidate(rect)
            self.viewport().update(rect)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what is exposed."""
        self._exposed = event.rect()
        super().paintEvent(event)

    def drawBackground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        """Copy the backdrop."""
        del rect  # in photo pixels, and less exact
        painter.resetTransform()
        self._backdrop.draw(painter, self._exposed, self.camera())
        if self._backdrop.is_drafted:
            self._refining.start()

    def drawForeground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        """Paint what is active, and over it what the tool shows."""
        del rect
        painter.resetTransform()
        if self.look.photo_only:
            return
        camera = self.camera()
        self._active.paint(painter, self._exposed, camera, self._colors)
        self.paint_over(painter, camera)
        if self._says_awaited:
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            painter.drawText(self.viewport().rect(), _CENTRED, self._awaited)

    @property
    def _says_awaited(self) -> bool:
        return bool(self._awaited) and not self._awaiting.isActive()

    def _refine(self) -> None:
        self._static.place_labels(self.scale_factor)
        self.viewport().update(self._backdrop.refine())

    def _paint_draft(self, painter: QPainter, rect: QRect) -> None:
        self._static.paint_photo(painter, rect, self.camera(), self._colors)

    def _paint_backdrop(self, painter: QPainter, rect: QRect) -> None:
        self._static.paint(painter, rect, self.camera(), self._colors)

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Move what is painted; names that keep to the edge of the view, and the tool's overlay, are painted anew."""
        stay = self._active.labels()
        super().scrollContentsBy(dx, dy)
        self._backdrop.scroll(dx, dy)
        self._active.scroll(dx, dy)
        self._overlay.translate(dx, dy)
        self._camera_changed()
        for rect in (*(rect.translated(dx, dy) for rect in stay), *self._active.labels()):
            self.viewport().update(rect.adjusted(-2, -2, 2, 2))
        if self._says_awaited:
            self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the photo in view."""
        super().resizeEvent(event)
        self._view_changed()

    def sizeHint(self) -> QSize:
        """Room for a photo."""
        return QSize(960, 720)
