"""The class list: choose, add, rename, recolour and reorder classes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QItemSelectionModel, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QMenu, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from annotator import icons
from annotator.core.categories import NUMBERS, given_number
from annotator.panels.class_rows import ClassDelegate, ClassRows, swatch_rect
from annotator.panels.class_rows_view import ClassRowsView
from annotator.panels.color_popup import ColorPopup
from annotator.panels.widgets import MARGIN, Field, SearchField, dress_panel, label, name_control, set_tone
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from annotator.core.categories import Categories

SEARCH_FROM = 20  # from so many classes on there is a search field: it takes the room of one


class ClassesPanel(QWidget):
    """The project's classes. Adding, renaming, recolouring and reordering go to `Categories` at once."""

    chosen = Signal(int)
    """The id of the class to draw with from now on: its row was clicked, or it has just been added."""
    applied = Signal(int)
    """The id of the class to give to what is selected, and to draw with: Enter on its row. Renaming and recolouring
    are neither."""

    skeleton_requested = Signal(int)
    """The id of the class whose keypoints are to be edited."""

    delete_requested = Signal(int)
    """The id of the class that is to go."""

    merge_requested = Signal(int)
    """The id of the class whose objects are to move to another, and that is to go then."""

    def __init__(self, categories: Categories, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        dress_panel(self, "classes")
        self._categories = categories
        self._current: int | None = None
        self._keyed: tuple[int, int] | None = None  # the class that keys are for, and its row, before the list changed
        self._empty_text = ""
        self._typed_from: QWidget | None = None  # what had the keyboard before a name was typed
        self._model = ClassRows(categories, self)
        self.rows = ClassRowsView(self._model)
        self.rows.setItemDelegate(ClassDelegate(self.rows))
        self._search = SearchField(self.rows, tr("Search classes"))
        name_control(
            self._search, "classes.search", tr("Show the classes with these words in their name"), tr("Search classes")
        )
        self._error = label(tone="error")
        self._error.setObjectName("classes.error")
        self._error.setWordWrap(True)
        self._error.setContentsMargins(MARGIN, 4, MARGIN, 4)
        self._add = QPushButton(icons.icon("plus"), " " + tr("Add class"))
        self._add.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        set_tone(self._add, "flat")
        name_control(self._add, "classes.add", tr("Add a class at the end of the list"), tr("Add class"))
        self._unused = QPushButton()
        self._unused.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        set_tone(self._unused, "flat")
        name_control(self._unused, "classes.unused", tr("Show or hide the classes of the model that are not used yet"))
        self._new_name = _NewName()
        name_control(
            self._new_name, "classes.new_name", tr("Name of the new class (Enter adds it, Esc leaves)"), tr("New class")
        )
        self._lay_out()
        self._connect()
        self._classes_changed()
        self._show_unused()
        self._show_error("")

    def set_current(self, category_id: int | None) -> None:
        """Mark the class that is drawn with."""
        self._current = category_id
        self._model.set_current(category_id)
        self._mark_current()

    def set_counts(self, counts: Mapping[int, int]) -> None:
        """How often the project uses each class, by id. Read, not copied."""
        self._model.set_counts(counts)

    def follow_keys(self, key_of: Callable[[int], str]) -> None:
        """Show the keys that `key_of` returns for the numbers 1 to 9 from now on."""
        self._model.follow_keys(key_of)

    def numbers(self) -> dict[int, int]:
        """Return the ids of the classes that the numbers 1 to 9 choose."""
        return self._model.numbers()

    def set_model_classes(self, names: Iterable[str]) -> None:
        """What the classes of the model are called: many that are not used are folded away behind the others."""
        self._model.set_model_names(names)

    def set_editable(self, *, on: bool) -> None:
        """Let classes be added and changed; not where no project is open, which alone keeps them."""
        if not on:
            self._stop_adding()
        self.setEnabled(on)
        self._classes_changed()

    def start_adding(self) -> None:
        """Ask for the name of a new class at the end of the list."""
        if not self.isEnabled():
            return
        self._show_error("")
        self._typed_from = QApplication.focusWidget()
        self._add.hide()
        self._new_name.clear()
        self._typing.show()
        self._new_name.setFocus()
        self.rows.scrollToBottom()

    def stop_asking(self) -> None:
        """Take the question for a name back, unless one is being typed."""
        if not self._new_name.text().strip():
            self._stop_adding()

    def _mark_current(self) -> None:
        row = None if self._current is None else self._model.row(self._current)
        if row is None:
            self.rows.clearSelection()
        else:
            self.rows.setCurrentIndex(self._model.index(row))

    def _note_keyed(self) -> None:
        row = self.rows.currentIndex().row()
        self._keyed = None if row < 0 else (self._model.category_id(row), row)

    def _list_changed(self) -> None:
        """Mark the class drawn with; keys stay with the one they were for, or what stands in its row if it is gone."""
        self._mark_current()
        if self._keyed is None:
            return
        category_id, before = self._keyed
        row = self._model.row(category_id)
        if row is None and category_id not in self._categories:
            row = min(before, self._model.rowCount() - 1)
        if row is not None:
            index, flag = self._model.index(row), QItemSelectionModel.SelectionFlag.NoUpdate
            self.rows.selectionModel().setCurrentIndex(index, flag)

    def _rows_added(self) -> None:
        if not self.rows.selectionModel().hasSelection():  # the class drawn with may be among them
            self._mark_current()

    def _lay_out(self) -> None:
        searching = QHBoxLayout()
        searching.addWidget(self._search)
        self._searching = QWidget()
        self._searching.setLayout(searching)
        searching.setContentsMargins(MARGIN, 2, MARGIN, 6)
        adding = QHBoxLayout()
        adding.setContentsMargins(4, 4, 4, 8)
        self._add.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        adding.addWidget(self._add, 0, Qt.AlignmentFlag.AlignLeft)
        self._typing = QWidget()
        typing = QHBoxLayout(self._typing)
        typing.setContentsMargins(MARGIN - 4, 0, MARGIN - 4, 0)
        typing.addWidget(self._new_name)
        adding.addWidget(self._typing)
        self._typing.hide()
        self._new_name.setPlaceholderText(tr("Name of the new class"))
        self._new_name.setMaxLength(200)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._searching)
        layout.addWidget(self.rows, 1)
        layout.addWidget(self._error)
        folding = QHBoxLayout()
        folding.setContentsMargins(4, 2, 4, 0)
        self._unused.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        folding.addWidget(self._unused, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addLayout(folding)
        layout.addLayout(adding)

    def _connect(self) -> None:
        self._categories.changed.connect(self._classes_changed)
        self._model.refused.connect(self._show_error)
        self._model.modelAboutToBeReset.connect(self._note_keyed)
        self._model.modelReset.connect(self._list_changed)
        self._model.rowsInserted.connect(self._rows_added)
        self._model.unused_changed.connect(self._show_unused)
        self._unused.clicked.connect(lambda: self._model.set_unfolded(unfolded=not self._model.is_unfolded))
        self._search.textChanged.connect(self._searched)
        self._add.clicked.connect(self.start_adding)
        self._new_name.returnPressed.connect(self._add_class)
        self._new_name.left.connect(self._stop_adding)
        self.rows.class_chosen.connect(self._choose)
        self.rows.class_applied.connect(self._apply)
        self.rows.rename_requested.connect(self._rename)
        self.rows.itemDelegate().closeEditor.connect(self._give_keyboard_back)  # after the list, which takes it
        self.rows.recolor_requested.connect(self._recolor)
        self.rows.move_requested.connect(self._move)
        self.rows.delete_requested.connect(self.delete_requested)
        self.rows.customContextMenuRequested.connect(self._menu)

    def set_empty_text(self, text: str) -> None:
        """Set what is shown while there are no classes, such as why there are none; "" is what can be done about it."""
        self._empty_text = text
        self._classes_changed()

    def _classes_changed(self) -> None:
        self._searching.setVisible(len(self._categories) >= SEARCH_FROM or bool(self._search.text()))
        none = tr("No classes yet: add one.") if self.isEnabled() else tr("No photos are open.")
        self.rows.set_empty_text(tr("No class has this name.") if len(self._categories) else self._empty_text or none)

    def _show_unused(self) -> None:
        self._unused.setVisible(bool(self._model.unused))
        icon = "chevron-down" if self._model.is_unfolded else "chevron-right"
        self._unused.setIcon(icons.icon(icon))
        text = tr("From the model ({n:,})", n=self._model.unused)
        self._unused.setText(" " + text)

    def _searched(self, text: str) -> None:
        self._model.set_search(text)

    def _choose(self, category_id: int) -> None:
        self._show_error("")
        self.chosen.emit(category_id)

    def _apply(self, category_id: int) -> None:
        self._show_error("")
        self.applied.emit(category_id)

    def _show_error(self, sentence: str) -> None:
        self._error.setText(sentence)
        self._error.setVisible(bool(sentence))

    def _add_class(self) -> None:
        try:
            added = self._categories.add(self._new_name.text())
        except ValueError as error:
            self._show_error(str(error))
            return
        self._search.clear()
        self._stop_adding()
        self._model.note_added(added.id)
        row = self._model.row(added.id)
        if row is not None:
            self.rows.scrollTo(self._model.index(row))
        self.chosen.emit(added.id)

    def _stop_adding(self) -> None:
        if not self._typing.isHidden():
            had_focus = self._new_name.hasFocus()
            self._typing.hide()
            self._add.show()
            self._show_error("")
            if had_focus:
                self.rows.setFocus()
                self._give_keyboard_back()

    def _rename(self, category_id: int) -> None:
        row = self._model.row(category_id)
        if row is not None:
            self._typed_from = QApplication.focusWidget()
            self.rows.edit(self._model.index(row))

    def _give_keyboard_back(self, *_: object) -> None:
        """After a name was typed, unless the keyboard went elsewhere meanwhile."""
        if self._typed_from is not None and self.rows.hasFocus():
            self._typed_from.setFocus()

    def _recolor(self, category_id: int) -> None:
        row = self._model.row(category_id)
        if row is None:
            return
        popup = ColorPopup(self._categories[category_id].color, self)
        popup.chosen.connect(lambda color: self._act(category_id, lambda i: self._categories.recolor(i, color)))
        swatch = swatch_rect(self.rows.visualRect(self._model.index(row)))
        popup.move(self.rows.viewport().mapToGlobal(swatch.bottomLeft() + QPoint(0, 2)))
        popup.show()

    def _menu(self, at: QPoint) -> None:
        index = self.rows.indexAt(at)
        if not index.isValid():
            return
        category_id = self._model.category_id(index.row())
        menu = QMenu(self)
        menu.setObjectName("classes.menu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        give = menu.addAction(tr("Give it to the selected objects") + "\t" + tr("Enter"))
        give.triggered.connect(lambda: self._act(category_id, self._apply))
        rename = menu.addAction(icons.icon("pencil"), tr("Rename") + "\tF2")
        rename.triggered.connect(lambda: self._act(category_id, self._rename))
        recolor = menu.addAction(tr("Change colour…"))
        recolor.triggered.connect(lambda: self._act(category_id, self._recolor))
        self._add_numbers(menu.addMenu(icons.icon("keyboard"), tr("Key")), category_id)
        skeleton = menu.addAction(icons.icon("keypoint"), tr("Skeleton…"))
        skeleton.setObjectName("classes.skeleton")
        skeleton.triggered.connect(lambda: self._act(category_id, self.skeleton_requested.emit))
        self._add_arranging(menu, category_id)
        menu.popup(self.rows.viewport().mapToGlobal(at))

    def _act(self, category_id: int, do: Callable[[int], object]) -> None:
        """Do something with a class that a menu was opened for, if there still is one."""
        if category_id in self._categories:
            do(category_id)

    def _add_numbers(self, menu: QMenu, category_id: int) -> None:
        """Add the choice of the class's key."""
        menu.setObjectName("classes.key")
        given, holders = given_number(self._categories[category_id]), self.numbers()
        choices: list[tuple[int | None, str]] = [(None, tr("By its place"))]
        for number in NUMBERS:
            holder = holders.get(number)
            name = "" if holder is None or holder == category_id else self._categories[holder].name
            choices.append((number, f"{self._model.key(number) or number}   {name}".rstrip()))
        for number, text in choices:
            choice = menu.addAction(text.replace("&", "&&"))
            choice.setCheckable(True)
            choice.setChecked(number == given)
            give = partial(self._categories.set_number, number=number)
            choice.triggered.connect(lambda _=False, give=give: self._act(category_id, give))

    def _add_arranging(self, menu: QMenu, category_id: int) -> None:
        """Add what changes the list itself."""
        row = self._model.row(category_id) or 0
        menu.addSeparator()
        up = menu.addAction(icons.icon("chevron-up"), tr("Move up") + "\t" + tr("Alt+↑"))
        up.setObjectName("classes.up")
        up.setEnabled(row > 0)
        up.triggered.connect(lambda: self._step(category_id, -1))
        down = menu.addAction(icons.icon("chevron-down"), tr("Move down") + "\t" + tr("Alt+↓"))
        down.setObjectName("classes.down")
        down.setEnabled(row + 1 < self._model.rowCount())
        down.triggered.connect(lambda: self._step(category_id, 1))
        menu.addSeparator()
        merge = menu.addAction(tr("Merge into another class…"))
        merge.setObjectName("classes.merge")
        merge.setEnabled(len(self._categories) > 1)
        merge.triggered.connect(lambda: self._act(category_id, self.merge_requested.emit))
        delete = menu.addAction(icons.icon("trash"), tr("Delete class…") + "\t" + tr("Del"))
        delete.setObjectName("classes.delete")
        delete.triggered.connect(lambda: self._act(category_id, self.delete_requested.emit))

    def _step(self, category_id: int, step: int) -> None:
        """Move a class up (-1) or down (1), from where it stands by now."""
        row = self._model.row(category_id)
        if row is not None and 0 <= row + step < self._model.rowCount():
            self._move(category_id, row + step)

    def _move(self, category_id: int, to: int) -> None:
        """Let a class stand where that of a row stands, which makes room."""
        self._categories.move(category_id, self._categories.place(self._model.category_id(to)))
        row = self._model.row(category_id)
        if row is not None:
            self.rows.setCurrentIndex(self._model.index(row))


class _NewName(Field):
    """The field for a new class's name."""

    left = Signal()
    """Escape, or the keyboard went elsewhere with nothing typed."""

    def event(self, event: QEvent) -> bool:
        pressed = isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress
        if pressed and event.key() == Qt.Key.Key_Escape:  # type: ignore[attr-defined]
            self.left.emit()
            return True
        if event.type() == QEvent.Type.FocusOut and not self.text().strip():
            self.left.emit()
        return super().event(event)
