"""The popup of the photo list's filter: what must be on a photo for it to be listed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from annotator.core.image_filter import EVERYTHING
from annotator.panels.form_rows import NumberField, caption, choice, decimal, form, settle, whole
from annotator.panels.widgets import ElidedComboBox, label, name_control, one_line
from dataset.i18n import mark, tr

if TYPE_CHECKING:
    from annotator.core.categories import Categories
    from annotator.core.image_filter import Filter
    from annotator.core.image_list import ImageList

MAX_OBJECTS = 100_000
WIDTH = 330
WITH_NOTE = True  # in place of a tag, which is a text
ANY, NONE, SOME, MORE, FEWER = range(5)
_COUNTS = (
    (mark("Any number"), ANY),
    (mark("None"), NONE),
    (mark("Some"), SOME),
    (mark("More than"), MORE),
    (mark("Fewer than"), FEWER),
)


class FilterPopup(QFrame):
    """Chooses what must be on a photo. Gone when something else is clicked; what is chosen counts at once."""

    changed = Signal()
    """Something else was chosen: see `applied_to`."""

    def __init__(self, photos: ImageList, categories: Categories, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("photos.filter_popup")
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._photos, self._categories = photos, categories
        self._category = ElidedComboBox()
        name_control(self._category, "photos.category", tr("Show the photos that have an object of this class"))
        self._count = choice("photos.count", tr("Show the photos with this many objects"), "", _COUNTS)
        self._number = NumberField(whole, 0, MAX_OBJECTS, tr("A whole number, such as 10"))
        self._number.name("photos.number", tr("How many objects"), "")
        self._score = NumberField(decimal, 0.0, 1.0, tr("A score from 0 to 1, such as 0.6"))
        self._score.name("photos.score", tr("Show the photos with a suggestion that scores less than this"), "")
        self._score.field.setPlaceholderText(tr("Any score"))
        for number in (self._number, self._score):
            number.resized.connect(self._fit)
            number.changed.connect(self.changed)
        self._number.field.setPlaceholderText("")
        self._tag = ElidedComboBox()
        name_control(self._tag, "photos.tag", tr("Show the photos with this tag, or with a note"))
        self._list_categories()
        self._list_tags(EVERYTHING)
        self._lay_out()
        self._category.currentIndexChanged.connect(self.changed)
        self._tag.currentIndexChanged.connect(self.changed)
        self._count.currentIndexChanged.connect(self._count_chosen)
        categories.changed.connect(self._list_categories)
        self._show_number()

    def applied_to(self, base: Filter) -> Filter:
        """Return a filter with what is chosen here."""
        kind, n = self._count.currentData(), self._number.value
        least, most = {NONE: (0, 0), SOME: (1, None)}.get(kind, (0, None))
        if n is not None and kind == MORE:
            least = n + 1
        elif n and kind == FEWER:
            most = n - 1
        return replace(
            base,
            category=self._category.currentData(),
            min_count=least,
            max_count=most,
            below_score=self._score.value,
            tag=tag if isinstance(tag := self._tag.currentData(), str) and tag else None,
            has_note=self._tag.currentData() is WITH_NOTE,
        )

    def show_filter(self, wanted: Filter) -> None:
        """Show what a filter asks for, without choosing it anew."""
        with QSignalBlocker(self):
            self._category.setCurrentIndex(max(self._category.findData(wanted.category), 0))
            self._list_tags(wanted)
            least, most = wanted.min_count, wanted.max_count
            kind, number = FEWER if most is not None else ANY, (most or 0) + 1
            if most == 0:
                kind = NONE
            elif least:
                kind, number = (SOME if least == 1 else MORE), least - 1
            self._count.setCurrentIndex(kind)
            self._number.field.setText(str(number) if kind in (MORE, FEWER) else "")
            self._score.field.setText("" if wanted.below_score is None else f"{wanted.below_score:g}")
        self._show_number()

    def open_beside(self, button: QWidget) -> None:
        """Open at the right of a button, where it covers no list, or at its left where the screen ends."""
        self._list_tags(self.applied_to(EVERYTHING))
        self._fit()
        at, room = button.mapToGlobal(QPoint(button.width() + 8, 0)), self.screen().availableGeometry()
        if at.x() + self.width() > room.right():
            at = button.mapToGlobal(QPoint(-8 - self.width(), 0))
        self.move(max(at.x(), room.left()), min(at.y(), room.bottom() - self.height()))
        self.show()

    def _list_categories(self) -> None:
        chosen = self._category.currentData()
        with QSignalBlocker(self._category):
            self._category.clear()
            self._category.addItem(tr("Any or none"), None)
            for category in self._categories:
                self._category.addItem(category.name, category.id)
            self._category.setCurrentIndex(max(self._category.findData(chosen), 0))
        if self._category.currentData() != chosen:
            self.changed.emit()

    def _list_tags(self, wanted: Filter) -> None:
        """List the tags that photos have, with the one that a filter asks for chosen."""
        tags = [*self._photos.tags(), *([wanted.tag] if wanted.tag else [])]
        with QSignalBlocker(self._tag):
            self._tag.clear()
            self._tag.addItem(tr("Any or none"), "")
            self._tag.addItem(tr("With a note"), WITH_NOTE)
            for tag in dict.fromkeys(tags):
                self._tag.addItem(one_line(tag), tag)
            self._tag.setCurrentIndex(max(self._tag.findData(WITH_NOTE if wanted.has_note else wanted.tag or ""), 0))

    def _count_chosen(self) -> None:
        self._show_number()
        if not self._number.isHidden() and not self._number.field.text():
            self._number.field.setText("10")
            self._number.field.selectAll()
            self._number.field.setFocus()
        self.changed.emit()

    def _show_number(self) -> None:
        self._number.setVisible(self._count.currentData() in (MORE, FEWER))
        self._fit()

    def _lay_out(self) -> None:
        count = QWidget()
        below = QVBoxLayout(count)  # where the sentence on what can be typed has room
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(4)
        below.addWidget(self._count)
        below.addWidget(self._number)
        rows = form()
        rows.addRow(caption(tr("Class")), self._category)
        rows.addRow(caption(tr("Objects")), count)
        rows.addRow(caption(tr("Score below")), self._score)
        rows.addRow(caption(tr("Tag")), self._tag)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 12)
        column.setSpacing(8)
        column.addWidget(label(tr("Show only the photos with …"), tone="muted"))
        column.addLayout(rows)
        self.setFixedWidth(WIDTH)

    def _fit(self) -> None:
        settle(self)
        self.adjustSize()
