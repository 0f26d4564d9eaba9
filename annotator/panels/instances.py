"""The instance list: everything on the photo, the selection shared with the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QItemSelection, QItemSelectionModel, QModelIndex, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QAbstractItemView, QVBoxLayout, QWidget

from annotator.panels.instance_rows import InstanceDelegate, InstanceRows, eye_rect, lock_rect
from annotator.panels.rows import Rows
from annotator.panels.widgets import MARGIN, ElidedLabel, dress_panel, set_tone
from dataset.i18n import plural, tr

if TYPE_CHECKING:
    from annotator.core.categories import Categories
    from annotator.core.document import Document

_SELECT = QItemSelectionModel.SelectionFlag
_PRESSES = (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease, QEvent.Type.MouseButtonDblClick)


class InstancesPanel(QWidget):
    """The annotations and suggestions of the photo shown."""

    hovered = Signal(object)
    """The id under the mouse, or None (an `object`)."""
    zoom_requested = Signal(int)
    """The id that was double-clicked."""
    hide_toggled = Signal(int)
    """The id whose eye was clicked."""
    lock_toggled = Signal(int)
    """The id whose lock was clicked."""

    def __init__(self, categories: Categories, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        dress_panel(self, "instances")
        self._document: Document | None = None
        self._empty_text = ""
        self._following = False
        self._model = InstanceRows(categories, self)
        self.rows = Rows("instances.list", tr("Instances"))
        self.rows.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.rows.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # the keys of objects work here as on the photo
        self.rows.setModel(self._model)
        self._delegate = InstanceDelegate(self._model, self.rows)
        self.rows.setItemDelegate(self._delegate)
        self._header = ElidedLabel()
        set_tone(self._header, "muted")
        self._header.setObjectName("instances.header")
        self._header.setContentsMargins(MARGIN, 0, MARGIN, 6)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 4)
        layout.setSpacing(0)
        layout.addWidget(self._header)
        layout.addWidget(self.rows, 1)
        categories.changed.connect(self._categories_changed)
        self.rows.selectionModel().selectionChanged.connect(self._rows_selected)
        self.rows.entered.connect(self._entered)
        self.rows.viewportEntered.connect(self._left)
        self.rows.doubleClicked.connect(self._double_clicked)
        self.rows.viewport().installEventFilter(self)
        self._show_counts()

    def set_document(self, document: Document | None) -> None:
        """Show another photo's instances."""
        if self._document is not None:
            self._document.changed.disconnect(self._changed)
            self._document.suggestions_changed.disconnect(self._offered_changed)
            self._document.selection_changed.disconnect(self._follow_selection)
        self._document = document
        self._refresh(reset=True)
        if document is not None:
            document.changed.connect(self._changed)
            document.suggestions_changed.connect(self._offered_changed)
            document.selection_changed.connect(self._follow_selection)

    def set_empty_text(self, text: str) -> None:
        """Set what is shown while there is no document, such as why there is none; "" is "No photo is open."."""
        self._empty_text = text
        self._show_counts()

    def set_colors_objects(self, *, on: bool) -> None:
        """Show each object in a colour of its own, or in its class's."""
        self._model.colors_objects = on
        self.rows.viewport().update()

    def set_hovered(self, annotation_id: int | None) -> None:
        """Mark the row of what the mouse is over on the canvas."""
        if annotation_id != self._delegate.hovered:
            self._delegate.hovered = annotation_id
            self.rows.viewport().update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Notice when the mouse leaves the list, and take clicks on eyes and locks before they select a row."""
        if event.type() == QEvent.Type.Leave:
            self._left()
        elif (
            isinstance(event, QMouseEvent) and event.type() in _PRESSES and event.button() == Qt.MouseButton.LeftButton
        ):
            index = self.rows.indexAt(event.position().toPoint())
            if index.isValid() and self._marked_at(index, event.position().toPoint(), event.type()):
                return True
        return super().eventFilter(watched, event)

    # From the document

    def _changed(self, ids: frozenset[int]) -> None:
        self._refresh(ids)

    def _offered_changed(self) -> None:
        self._refresh()
        self.rows.viewport().update()  # what is hidden or locked may be others

    def _categories_changed(self) -> None:
        self.rows.viewport().update()

    def _refresh(self, ids: frozenset[int] = frozenset(), *, reset: bool = False) -> None:
        self._following = True  # rows that go take their selection along: the document decides what that means
        if reset:
            self._model.set_document(self._document)
        else:
            self._model.refresh(ids)
        self._following = False
        self._follow_selection()
        self._show_counts()

    def _follow_selection(self) -> None:
        wanted = () if self._document is None else self._document.selection
        if set(wanted) == set(self._selected()):
            return
        row_of = {annotation_id: row for row, annotation_id in enumerate(self._model.ids)}
        selection = QItemSelection()
        last = QModelIndex()
        for annotation_id in wanted:
            if annotation_id in row_of:
                last = self._model.index(row_of[annotation_id])
                selection.select(last, last)
        self._following = True
        self.rows.selectionModel().select(selection, _SELECT.ClearAndSelect)
        self.rows.selectionModel().setCurrentIndex(last, _SELECT.NoUpdate)
        self._following = False
        if last.isValid():
            self.rows.scrollTo(last)

    def _show_counts(self) -> None:
        if self._document is None:
            self._header.set_full_text("")
            self.rows.set_empty_text(self._empty_text or tr("No photo is open."))
            return
        document, shown = self._document, self._document.shown
        counts = (
            (plural("{n:,} object", "{n:,} objects", len(document.annotations)), shown.annotations),
            (plural("{n:,} suggestion", "{n:,} suggestions", len(document.suggestions)), shown.suggestions),
        )
        texts = (text if on else tr("{things} hidden", things=text) for text, on in counts)
        hidden = len(document.marks.hidden.intersection(self._model.ids))
        self._header.set_full_text(" · ".join((*texts, *([tr("{n:,} hidden", n=hidden)] if hidden else []))))
        nothing = not (document.annotations or document.suggestions)
        self.rows.set_empty_text(
            tr("Nothing here yet: draw an object, or wait for suggestions.") if nothing else tr("All of it is hidden.")
        )

    # From the person

    def _selected(self) -> list[int]:
        """Return the ids of the selected rows in the order in which they were selected, the current one last."""
        current = self.rows.currentIndex().row()
        before = {i: place for place, i in enumerate(self._document.selection)} if self._document else {}
        rows = (index.row() for index in self.rows.selectionModel().selectedIndexes())
        places = sorted((row == current, before.get(self._model.ids[row], len(before)), row) for row in rows)
        return [self._model.ids[row] for *_, row in places]

    def _rows_selected(self) -> None:
        if not self._following and self._document is not None:
            self._document.select(self._selected())
            self._follow_selection()  # what is hidden or locked is not selected

    def _marked_at(self, index: QModelIndex, at: QPoint, kind: QEvent.Type) -> bool:
        """Toggle what is at a point of a row; return whether that is an eye or a lock."""
        annotation_id, row = self._model.ids[index.row()], self.rows.visualRect(index)
        for rect, toggled in ((eye_rect(row), self.hide_toggled), (lock_rect(row), self.lock_toggled)):
            if rect.adjusted(-2, -4, 2, 4).contains(at) and (annotation_id > 0 or rect == eye_rect(row)):
                if kind == QEvent.Type.MouseButtonPress:
                    toggled.emit(annotation_id)
                return True
        return False

    def _entered(self, index: QModelIndex) -> None:
        self._hover(self._model.ids[index.row()])

    def _left(self) -> None:
        self._hover(None)

    def _hover(self, annotation_id: int | None) -> None:
        if annotation_id != self._delegate.hovered:
            self.set_hovered(annotation_id)
            self.hovered.emit(annotation_id)

    def _double_clicked(self, index: QModelIndex) -> None:
        self.zoom_requested.emit(self._model.ids[index.row()])
