"""The photo list: find a photo, see how far the work is, go to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QComboBox, QProgressBar, QVBoxLayout, QWidget

from annotator.core.document import Status
from annotator.panels.photo_rows import PhotoDelegate, PhotoRows
from annotator.panels.widgets import MARGIN, ElidedComboBox, Rows, SearchField, dress_panel, label, name_control
from dataset.i18n import mark, tr

if TYPE_CHECKING:
    from annotator.core.image_list import ImageList

FILTERS: tuple[tuple[str, frozenset[Status] | None], ...] = (
    (mark("All"), None),
    (mark("Not done"), frozenset({Status.NEW, Status.SUGGESTED, Status.STARTED})),
    (mark("New"), frozenset({Status.NEW})),
    (mark("Has suggestions"), frozenset({Status.SUGGESTED})),
    (mark("In progress"), frozenset({Status.STARTED})),
    (mark("Done"), frozenset({Status.DONE})),
    (mark("Unreadable"), frozenset({Status.UNREADABLE})),
)


class PhotosPanel(QWidget):
    """The open folder's photos with a filter and the progress."""

    photo_chosen = Signal(object)  # a name; Signal(str) drops what is not UTF-8
    """Show this photo. What becomes of it comes back by `set_current`."""
    left = Signal()
    """A photo was clicked, or Enter pressed on one: the keyboard is for the photo now. Arrow keys go on in the list."""

    def __init__(self, photos: ImageList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        dress_panel(self, "photos")
        self._photos = photos
        self._current: str | None = None
        self._following = False
        self._model = PhotoRows(photos, self)
        self.rows = Rows("photos.list", tr("Photos"))
        self.rows.setModel(self._model)
        self.rows.setItemDelegate(PhotoDelegate(self.rows))
        self._filter = SearchField(self.rows, tr("Filter"))
        name_control(
            self._filter, "photos.filter", tr("Show the photos with these words in their name"), tr("Filter photos")
        )
        self._status = ElidedComboBox()
        self._status.addItems([tr(text) for text, _ in FILTERS])
        self._status.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._status.setMinimumContentsLength(6)
        self._status.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        name_control(self._status, "photos.status", tr("Show the photos that are this far"), tr("Filter by status"))
        self._progress_text = label(tone="muted")
        self._progress_text.setObjectName("photos.progress_text")
        self._progress = QProgressBar()
        self._progress.setTextVisible(False)
        name_control(self._progress, "photos.progress", tr("Photos that are done"), tr("Photos done"))
        self._lay_out()
        self._filter.textChanged.connect(self._refilter)
        self._status.currentIndexChanged.connect(self._refilter)
        self.rows.selectionModel().currentChanged.connect(self._current_changed)
        self.rows.clicked.connect(self.left)
        self.rows.activated.connect(self.left)
        photos.reset.connect(self._photos_reset)
        photos.changed.connect(self._photo_changed)
        self._photos_reset()

    def set_current(self, name: str | None) -> None:
        """Show which photo is open, without choosing it anew."""
        self._current = name
        self._model.set_current(name)
        self._show_current()
        self._show_progress()

    def focus_filter(self) -> None:
        """Bring the keyboard to the text filter."""
        self._filter.setFocus()
        self._filter.selectAll()

    def clear_filter(self) -> None:
        """Show every photo again, as for another folder, without choosing one."""
        self._filter.clear()
        self._status.setCurrentIndex(0)

    def _lay_out(self) -> None:
        top = QVBoxLayout()  # side by side, a narrow dock leaves no room for a name and a status
        top.setContentsMargins(MARGIN, 4, MARGIN, 8)
        top.setSpacing(4)
        top.addWidget(self._filter)
        top.addWidget(self._status)
        bottom = QVBoxLayout()
        bottom.setContentsMargins(MARGIN, 8, MARGIN, MARGIN)
        bottom.setSpacing(6)
        bottom.addWidget(self._progress_text)
        bottom.addWidget(self._progress)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(self.rows, 1)
        layout.addLayout(bottom)
        self.setMinimumWidth(180)

    def _refilter(self) -> None:
        self._following = True
        self._photos.set_filter(self._filter.text(), FILTERS[self._status.currentIndex()][1])
        self._following = False
        self._show_current()
        self._show_progress()

    def _show_current(self) -> None:
        row = None if self._current is None else self._model.row(self._current)
        index = QModelIndex() if row is None else self._model.index(row)
        self._following = True
        self.rows.setCurrentIndex(index)
        self._following = False
        if index.isValid():
            self.rows.scrollTo(index)
        else:
            self.rows.clearSelection()

    def _current_changed(self, index: QModelIndex) -> None:
        if index.isValid() and not self._following and self._model.name(index.row()) != self._current:
            self.photo_chosen.emit(self._model.name(index.row()))

    def _photos_reset(self) -> None:
        self.set_current(self._current if self._current in self._photos else None)

    def _photo_changed(self, _i: int) -> None:
        self._show_progress()

    def _show_progress(self) -> None:
        total, readable, done = len(self._photos), self._photos.readable, self._photos.done
        self._progress.setMaximum(max(readable, 1))
        self._progress.setValue(done)
        text = tr("{done:,} of {total:,} done", done=done, total=readable)
        if self._photos.filter.is_set:
            text += " · " + tr("{n:,} shown", n=self._model.rowCount())
        self._progress_text.setText(text if total else "")
        left_out = total - readable
        self._progress_text.setToolTip(tr("{n:,} unreadable, not counted", n=left_out) if left_out else "")
        self._progress.setVisible(total > 0)
        self.rows.set_empty_text(tr("No photo matches the filter.") if total else tr("No folder is open."))
