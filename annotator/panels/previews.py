"""Photos with what the model saw in them before the training, and what it sees now, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QSizePolicy, QWidget

from annotator import theme
from annotator.panels.widgets import dress_panel
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtGui import QImage, QMouseEvent, QPaintEvent, QResizeEvent

    from model.protocol import Preview, Shown

GAP = 2
FROM_SCORE = 0.5  # what is less sure is not drawn
_FILL = 70  # of 255
_ACCENT = "#ff9f1c"  # of a class that the project lacks


class PreviewStrip(QScrollArea):
    """A row of such photos, as large as there is room for one."""

    chosen = Signal(object)
    """(photo) its photo is to be shown."""

    def __init__(self, color_of: Callable[[str], str]) -> None:
        """`color_of` gives the colour of a class by its name, "" for one that the project lacks."""
        super().__init__()
        self.setObjectName("training.previews")
        self.setAccessibleName(tr("Photos kept apart, before and after"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._color_of = color_of
        self.cards: dict[str, Card] = {}
        content = QWidget()
        dress_panel(content, "training.previews_content")
        self._row = QHBoxLayout(content)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(12)
        self._row.addStretch(1)
        self.setWidget(content)

    def clear(self) -> None:
        """Show none."""
        for card in self.cards.values():
            self._row.removeWidget(card)
            card.deleteLater()
        self.cards = {}

    def show_preview(self, preview: Preview) -> None:
        """Show what is seen in a photo; what was seen before the training stays if the preview leaves it out."""
        card = self.cards.get(preview.photo)
        if card is None:
            card = self.cards[preview.photo] = Card(preview.photo, self._color_of)
            card.clicked.connect(lambda name=preview.photo: self.chosen.emit(name))
            self._row.insertWidget(self._row.count() - 1, card, 0, Qt.AlignmentFlag.AlignTop)
            card.set_room(self.viewport().size())
        card.show_found(preview.before, preview.after)

    def set_image(self, photo: str, image: QImage, scale: float) -> None:
        """Give a photo its pixels, which are `scale` times the original's size."""
        if photo in self.cards:
            self.cards[photo].set_image(image, scale)

    def sizeHint(self) -> QSize:
        """Room for two photos."""
        return QSize(480, 140)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Make the photos as large as there is room."""
        super().resizeEvent(event)
        for card in self.cards.values():
            card.set_room(self.viewport().size())


class Card(QWidget):
    """One photo twice: before, after."""

    clicked = Signal()

    def __init__(self, photo: str, color_of: Callable[[str], str]) -> None:
        super().__init__()
        self.setObjectName("training.preview")
        self.setToolTip(tr("{photo}: before and after (click to go there)", photo=photo))
        self.setAccessibleName(tr("{photo}, before and after", photo=photo))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._color_of = color_of
        self._pixmap = QPixmap()
        self._scale = 1.0
        self._room = QSize()
        self.before: list[Shown] = []
        self.after: list[Shown] = []

    def show_found(self, before: list[Shown] | None, after: list[Shown] | None) -> None:
        """Show what was and what is seen; None leaves what is shown."""
        self.before = self.before if before is None else before
        self.after = self.after if after is None else after
        self.update()

    def set_image(self, image: QImage, scale: float) -> None:
        """Show these pixels, `scale` times the photo's size."""
        self._pixmap = QPixmap.fromImage(image)
        self._scale = scale
        self.set_room(self._room)
        self.update()

    def set_room(self, room: QSize) -> None:
        """Be as large as both fit in side by side."""
        self._room = room
        size = self._pixmap.size() if not self._pixmap.isNull() else QSize(4, 3)
        most = QSize((room.width() - GAP) // 2, room.height() - self._caption()).expandedTo(QSize(16, 16))
        picture = size.scaled(most, Qt.AspectRatioMode.KeepAspectRatio).expandedTo(QSize(1, 1))
        self.setFixedSize(2 * picture.width() + GAP, picture.height() + self._caption())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Take a click."""
        if event.button() is Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.clicked.emit()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint both, and a word over each."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        now, caption = theme.current(), self._caption()
        width = (self.width() - GAP) // 2
        for at, (word, found) in enumerate(((tr("before: {n}"), self.before), (tr("now: {n}"), self.after))):
            left = at * (width + GAP)
            painter.setPen(QColor(now.muted))
            sure = [shown for shown in found if shown.score >= FROM_SCORE]
            text = painter.fontMetrics().elidedText(word.format(n=len(sure)), Qt.TextElideMode.ElideRight, width)
            painter.drawText(QRectF(left, 0, width, caption - 2), Qt.AlignmentFlag.AlignVCenter, text)
            place = QRectF(left, caption, width, self.height() - caption)
            painter.fillRect(place, QColor(now.canvas))
            if not self._pixmap.isNull():
                painter.drawPixmap(place, self._pixmap, QRectF(self._pixmap.rect()))
                self._paint_found(painter, place, sure)
        painter.end()

    def _paint_found(self, painter: QPainter, place: QRectF, found: Sequence[Shown]) -> None:
        scale = self._scale * place.height() / self._pixmap.height()
        painter.save()
        painter.setClipRect(place)
        painter.translate(place.topLeft())
        for shown in found:
            path = QPainterPath()
            for ring in shown.polygons:
                path.addPolygon(QPolygonF([QPointF(x * scale, y * scale) for x, y in ring]))
                path.closeSubpath()
            color = QColor(self._color_of(shown.category) or _ACCENT)
            painter.setPen(QPen(QColor(0, 0, 0, 150), 2.6))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPath(path)
            ground = QColor(color)
            ground.setAlpha(_FILL)
            painter.setPen(QPen(color, 1.4))
            painter.setBrush(ground)
            painter.drawPath(path)
        painter.restore()

    def _caption(self) -> int:
        return self.fontMetrics().height() + 4
