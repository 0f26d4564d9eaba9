"""The photo list: find a photo, see how far the work is, go to it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QMenu,
    QProgressBar,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from annotator import icons
from annotator.core.document import Status
from annotator.core.image_filter import EVERYTHING, Filter
from annotator.core.image_order import ImageOrder
from annotator.panels.photo_filter import FilterPopup
from annotator.panels.photo_rows import PICTURE_ROW, PhotoDelegate, PhotoRows
from annotator.panels.rows import ROW, Rows
from annotator.panels.widgets import (
    MARGIN,
    ElidedComboBox,
    SearchField,
    dress_panel,
    label,
    name_control,
    set_tone,
    tool_button,
)
from dataset.i18n import mark, tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from PySide6.QtGui import QAction, QImage

    from annotator.core.categories import Categories
    from annotator.core.image_list import ImageList

FILTERS: tuple[tuple[str, frozenset[Status] | None], ...] = (
    (mark("All"), None),
    (mark("Not done"), frozenset({Status.NEW, Status.SUGGESTED, Status.STARTED})),
    (mark("New"), frozenset({Status.NEW})),
    (mark("Has suggestions"), frozenset({Status.SUGGESTED})),
    (mark("In progress"), frozenset({Status.STARTED})),
    (mark("Done"), frozenset({Status.DONE})),
    (mark("Skipped"), frozenset({Status.SKIPPED})),
    (mark("Unreadable"), frozenset({Status.UNREADABLE})),
)

ORDERS = (
    (mark("By &name"), ImageOrder.NAME),
    (mark("New&est first"), ImageOrder.NEWEST),
    (mark("Least &sure suggestion first"), ImageOrder.UNSURE),
    (mark("Most &objects first"), ImageOrder.MOST),
)


class PhotosPanel(QWidget):
    """The open folder's photos with a filter and the progress."""

    photo_chosen = Signal(object)  # a name; Signal(str) drops what is not UTF-8
    """Show this photo. What becomes of it comes back by `set_current`."""
    order_chosen = Signal(object)
    """List the photos in this `ImageOrder`, also where they are in it as they were a while ago."""
    pictures_chosen = Signal(bool)
    """Show small pictures in the list, or none."""
    pictures_wanted = Signal(object)
    """The photos, by name, whose small pictures are looked for now: `picture_of` had none."""
    left = Signal()
    """A photo was clicked, or Enter pressed on one: the keyboard is for the photo now. Arrow keys go on in the list."""

    def __init__(self, photos: ImageList, categories: Categories, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        dress_panel(self, "photos")
        self._photos = photos
        self._current: str | None = None
        self._following = False
        self._is_set_from_outside = False
        self._model = PhotoRows(photos, self)
        self.rows = Rows("photos.list", tr("Photos"))
        self.rows.setModel(self._model)
        self._delegate = PhotoDelegate(self.rows)
        self.rows.setItemDelegate(self._delegate)
        self.picture_of: Callable[[str], QImage | None] = lambda _name: None
        self._missing: list[str] = []
        self._asking = QTimer(self, singleShot=True, interval=0)  # after all rows in view are painted
        self._asking.timeout.connect(self._ask_for_pictures)
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
        self._details = FilterPopup(photos, categories, self)
        self._more = tool_button("filter", "photos.more", tr("Show only photos with some class, number of objects …"))
        self._orders, self._arrange = self._build_orders()
        self._shown = label(tone="muted")
        self._shown.setObjectName("photos.shown")
        self._clear = QPushButton(tr("Clear"))
        self._clear.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        set_tone(self._clear, "flat")
        name_control(self._clear, "photos.clear", tr("Show every photo"))
        self._progress_text = label(tone="muted")
        self._progress_text.setObjectName("photos.progress_text")
        self._progress = QProgressBar()
        self._progress.setTextVisible(False)
        name_control(self._progress, "photos.progress", tr("Photos that are done"), tr("Photos done"))
        self._lay_out()
        self._wire()
        photos.reset.connect(self._photos_reset)
        photos.filtered.connect(self._photos_reset)
        photos.changed.connect(self._photo_changed)
        photos.many_changed.connect(self._many_changed)
        self._photos_reset()

    def _wire(self) -> None:
        self._filter.textChanged.connect(self._refilter)
        self._status.currentIndexChanged.connect(self._refilter)
        self._details.changed.connect(self._refilter)
        self._more.clicked.connect(lambda: self._details.open_beside(self._more))
        self._clear.clicked.connect(self.clear_filter)
        self._arrange.clicked.connect(self._open_orders)
        self._orders.triggered.connect(self._menu_chosen)
        self.rows.selectionModel().currentChanged.connect(self._current_changed)
        self.rows.clicked.connect(self.left)
        self.rows.activated.connect(self.left)

    def set_current(self, name: str | None) -> None:
        """Show which photo is open, without choosing it anew."""
        self._current = name
        with self._following_only():  # a row that leaves the list has Qt make its neighbour the current one
            self._model.set_current(name)
        self._show_current()
        self._show_progress()

    def focus_filter(self) -> None:
        """Bring the keyboard to the text filter."""
        self._filter.setFocus()
        self._filter.selectAll()

    def clear_filter(self) -> None:
        """Show every photo again, as for another folder, without choosing one."""
        self.set_filter(EVERYTHING)

    def set_filter(self, wanted: Filter) -> None:
        """List what matches a filter, and show it in the controls."""
        self._is_set_from_outside = True  # not a QSignalBlocker: the field's own button listens, too
        self._filter.setText(wanted.text)
        chosen = (i for i, (_, statuses) in enumerate(FILTERS) if statuses == wanted.statuses)
        self._status.setCurrentIndex(next(chosen, 0))
        self._details.show_filter(wanted)
        self._is_set_from_outside = False
        self._refilter()

    def set_order(self, order: ImageOrder) -> None:
        """Show which order the photos are in."""
        for action in self._orders.actions():
            if action is not self._pictures:
                action.setChecked(action.data() == order)
        is_other = order is not ImageOrder.NAME
        self._arrange.setIcon(icons.icon("sort", "accent" if is_other else "icon"))

    def show_pictures(self, *, on: bool) -> None:
        """Show small pictures beside the names, or none."""
        self._pictures.setChecked(on)
        self._delegate.picture_of = self._picture if on else None
        self.rows.set_least_height(PICTURE_ROW if on else ROW)
        self.rows.viewport().update()
        self._show_current()

    def update_picture(self, name: str) -> None:
        """Paint a photo's row again, whose small picture has come."""
        row = self._model.row(name)
        if row is not None:
            self.rows.update(self._model.index(row))

    def _picture(self, name: str) -> QImage | None:
        picture = self.picture_of(name)
        if picture is None:
            self._missing.append(name)
            self._asking.start()
        return picture

    def _ask_for_pictures(self) -> None:
        missing, self._missing = self._missing, []
        self.pictures_wanted.emit(list(dict.fromkeys(missing)))

    def _menu_chosen(self, action: QAction) -> None:
        if action is self._pictures:
            self.pictures_chosen.emit(action.isChecked())
        else:
            self.order_chosen.emit(ImageOrder(action.data()))

    def _open_orders(self) -> None:
        self._orders.popup(self._arrange.mapToGlobal(self._arrange.rect().bottomLeft()))

    def _build_orders(self) -> tuple[QMenu, QToolButton]:
        """Return the menu of orders, and the button that opens it."""
        menu = QMenu(self)
        menu.setObjectName("photos.orders")
        group = QActionGroup(menu)
        for text, order in ORDERS:
            action = group.addAction(tr(text))
            action.setObjectName(f"photos.order.{order}")
            action.setCheckable(True)
            action.setChecked(order is ImageOrder.NAME)
            action.setData(order.value)
            menu.addAction(action)
        menu.addSeparator()
        self._pictures = menu.addAction(tr("Small &pictures"))
        self._pictures.setObjectName("photos.pictures")
        self._pictures.setCheckable(True)
        return menu, tool_button("sort", "photos.order", tr("Choose the order of the photos, and how they are listed"))

    def _lay_out(self) -> None:
        top = QVBoxLayout()  # side by side, a narrow dock leaves no room for a name and a status
        top.setContentsMargins(MARGIN, 4, MARGIN, 8)
        top.setSpacing(4)
        top.addWidget(self._filter)
        choices = QHBoxLayout()
        choices.setSpacing(4)
        choices.addWidget(self._status, 1)
        choices.addWidget(self._more)
        choices.addWidget(self._arrange)
        top.addLayout(choices)
        self._found = QWidget()
        found = QHBoxLayout(self._found)
        found.setContentsMargins(0, 0, 0, 0)
        found.addWidget(self._shown, 1)
        found.addWidget(self._clear)
        top.addWidget(self._found)
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
        if self._is_set_from_outside:
            return
        chosen = Filter(self._filter.text(), FILTERS[self._status.currentIndex()][1])
        self._photos.set_filter(self._details.applied_to(chosen))

    def _show_current(self) -> None:
        row = None if self._current is None else self._model.row(self._current)
        index = QModelIndex() if row is None else self._model.index(row)
        with self._following_only():
            self.rows.setCurrentIndex(index)
        if index.isValid():
            self.rows.scrollTo(index)
        else:
            self.rows.clearSelection()

    @contextmanager
    def _following_only(self) -> Iterator[None]:
        """Whatever row becomes the current one meanwhile, no photo is chosen by that."""
        self._following = True
        try:
            yield
        finally:
            self._following = False

    def _current_changed(self, index: QModelIndex) -> None:
        if index.isValid() and not self._following and self._model.name(index.row()) != self._current:
            self.photo_chosen.emit(self._model.name(index.row()))

    def _photos_reset(self) -> None:
        self.set_current(self._current if self._current in self._photos else None)

    def _many_changed(self) -> None:
        """Show the same stretch of the list and the same current photo, whatever came and went."""
        bar = self.rows.verticalScrollBar()
        place = bar.value()
        self._show_current()
        bar.setValue(place)
        self._show_progress()

    def _photo_changed(self, _i: int) -> None:
        self._show_progress()

    def _show_progress(self) -> None:
        total, doable, done = len(self._photos), self._photos.doable, self._photos.done
        self._progress.setMaximum(max(doable, 1))
        self._progress.setValue(done)
        wanted = self._photos.filter
        self._found.setVisible(wanted.is_set and total > 0)
        self._shown.setText(tr("{n:,} of {total:,} shown", n=self._model.rowCount(), total=total))
        self._more.setIcon(icons.icon("filter", "accent" if wanted.has_details else "icon"))
        text = tr("{done:,} of {total:,} done", done=done, total=doable)
        self._progress_text.setText(text if total else "")
        skipped, unreadable = self._photos.skipped, self._photos.unreadable
        left_out = [tr("{n:,} skipped, not counted", n=skipped)] if skipped else []
        left_out += [tr("{n:,} unreadable, not counted", n=unreadable)] if unreadable else []
        self._progress_text.setToolTip("\n".join(left_out))
        self._progress.setVisible(total > 0)
        self.rows.set_empty_text(tr("No photo matches the filter.") if total else tr("No photos are open."))
