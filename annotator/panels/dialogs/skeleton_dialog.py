"""The editor of a class's skeleton: names of keypoints, their order, the edges between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from annotator.core.skeleton import Skeleton, pairs, spoken
from annotator.core.skeleton_templates import TEMPLATES
from annotator.panels.dialogs.skeleton_preview import SkeletonPreview
from annotator.panels.widgets import Field, label, name_control, tool_button
from dataset.i18n import plural, tr
from dataset.messages import listing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dataset.coco.categories import Category

_MOVES = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}


class SkeletonDialog(QDialog):
    """Edits a skeleton; `skeleton` is what it has become. Nothing is changed until it is accepted."""

    def __init__(
        self, category: Category, color_of: Callable[[Category, int], str], parent: QWidget | None = None
    ) -> None:
        """`color_of` returns the colour of a class's keypoint."""
        super().__init__(parent)
        self.setObjectName("skeleton")
        self.setWindowTitle(tr("Skeleton of {name}", name=category.name))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.before = Skeleton.of(category)
        """The skeleton on record."""
        self._states = [self.before]  # every one so far; undo goes back in them
        self._at = 0
        self._labelled: Mapping[int, int] | None = None  # how many objects have each keypoint; None: not counted yet
        self._objects = 0
        self._preview = SkeletonPreview(category, color_of)
        self._build_names()
        self._about = label(tone="muted")
        self._error = label(tone="error")
        for text, name in ((self._about, "skeleton.about"), (self._error, "skeleton.error")):
            text.setObjectName(name)
            text.setWordWrap(True)
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self._buttons.button(QDialogButtonBox.StandardButton.Ok).setText(tr("Apply"))
        self._lay_out()
        self._connect()
        self.resize(700, 560)
        self._show_skeleton()
        (self._names if self.before.names else self._new_name).setFocus()

    @property
    def skeleton(self) -> Skeleton:
        """The skeleton as it is edited."""
        return self._states[self._at]

    def set_use(self, objects: int, labelled: Mapping[int, int]) -> None:
        """Say what a change touches: how many objects have keypoints, and how many each of them, by its index before.

        Until then nothing can be applied.
        """
        self._objects, self._labelled = objects, labelled
        self._show_skeleton()

    # Building

    def _build_names(self) -> None:
        self._names = QListWidget()
        self._names.setObjectName("skeleton.names")
        self._names.setAccessibleName(tr("Keypoints"))
        self._names.setToolTip(
            tr("Double-click or F2 renames, Del removes, Alt+↑ and Alt+↓ move, E on two of them puts an edge")
        )
        self._names.setStyleSheet("QListWidget::item { min-height: 22px; }")
        self._names.installEventFilter(self)
        self._new_name = Field()
        self._new_name.setPlaceholderText(tr("Name of a new keypoint"))
        self._new_name.setMaxLength(200)
        name_control(self._new_name, "skeleton.new_name", tr("Enter adds it at the end"), tr("New keypoint"))
        self._template = QPushButton(tr("Start from…"))
        name_control(self._template, "skeleton.template", tr("Take the keypoints and edges of a known skeleton"))
        menu = QMenu(self._template)
        for template in TEMPLATES:
            action = menu.addAction(tr(template.title))
            action.triggered.connect(lambda _=False, t=template: self._change(lambda s: s.become(t.names, t.edges)))
        self._template.setMenu(menu)
        self._up = tool_button("chevron-up", "skeleton.up", tr("Move up (Alt+↑)"))
        self._down = tool_button("chevron-down", "skeleton.down", tr("Move down (Alt+↓)"))
        self._remove = tool_button("trash", "skeleton.remove", tr("Remove the keypoint (Del)"))

    def _lay_out(self) -> None:
        tools = QHBoxLayout()
        tools.addWidget(self._template)
        tools.addStretch(1)
        for button in (self._up, self._down, self._remove):
            tools.addWidget(button)
        left = QVBoxLayout()
        left.addLayout(tools)
        left.addWidget(self._names, 1)
        left.addWidget(self._new_name)
        right = QVBoxLayout()
        right.addWidget(self._preview, 1)
        help_text = label(tr("Click two keypoints to put an edge between them, or to take it away."), tone="muted")
        help_text.setWordWrap(True)
        right.addWidget(help_text)
        both = QHBoxLayout()
        both.setSpacing(12)
        both.addLayout(left, 2)
        both.addLayout(right, 3)
        layout = QVBoxLayout(self)
        layout.addLayout(both, 1)
        for widget in (self._error, self._about, self._buttons):
            layout.addWidget(widget)
        for button in self.findChildren(QPushButton):
            button.setAutoDefault(False)  # Enter adds a keypoint

    def _connect(self) -> None:
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        self._new_name.returnPressed.connect(self._add)
        self._names.itemChanged.connect(self._renamed)
        self._names.currentRowChanged.connect(self._row_chosen)
        self._preview.keypoint_chosen.connect(self._choose)
        self._preview.edge_toggled.connect(lambda a, b: self._change(lambda s: s.toggled(a, b)))
        self._up.clicked.connect(lambda: self._move(-1))
        self._down.clicked.connect(lambda: self._move(1))
        self._remove.clicked.connect(self._remove_current)
        for keys, step in (("Ctrl+Z", -1), ("Ctrl+Shift+Z", 1), ("Ctrl+Y", 1)):
            QShortcut(QKeySequence(keys), self).activated.connect(lambda step=step: self._go(step))

    # Editing

    def _change(self, edit: Callable[[Skeleton], Skeleton], row: int | None = None) -> bool:
        """Edit the skeleton, and choose a row of it. Return False, and say why, if that cannot be."""
        try:
            edited = edit(self.skeleton)
        except ValueError as error:
            self._show_skeleton()
            self._show_error(str(error))
            return False
        if edited != self.skeleton:
            self._states[self._at + 1 :] = [edited]
            self._at += 1
        self._show_skeleton(row)
        return True

    def _go(self, step: int) -> None:
        """Undo or redo."""
        self._at = min(max(self._at + step, 0), len(self._states) - 1)
        self._show_skeleton()

    def _add(self) -> None:
        name = self._new_name.text()
        if self._change(lambda s: s.added(name), len(self.skeleton.names)):
            self._new_name.clear()

    def _renamed(self, item: QListWidgetItem) -> None:
        row = self._names.row(item)
        self._change(lambda s: s.renamed(row, item.text()), row)

    def _remove_current(self) -> None:
        row = self._names.currentRow()
        if row >= 0:
            self._change(lambda s: s.removed(row), min(row, len(self.skeleton.names) - 2))

    def _move(self, step: int) -> None:
        row, count = self._names.currentRow(), len(self.skeleton.names)
        if row >= 0 and 0 <= row + step < count:
            self._change(lambda s: s.moved(row, row + step), row + step)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Remove and move with the keyboard."""
        if watched is self._names and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() == Qt.Key.Key_Delete:
                self._remove_current()
                return True
            if event.key() == Qt.Key.Key_E and self._names.currentRow() >= 0:
                self._preview.put_end(self._names.currentRow())
                return True
            if event.key() in _MOVES and event.modifiers() & Qt.KeyboardModifier.AltModifier:
                self._move(_MOVES[Qt.Key(event.key())])
                return True
        return super().eventFilter(watched, event)

    def _choose(self, index: int) -> None:
        self._names.setCurrentRow(index)

    def _row_chosen(self, row: int) -> None:
        self._preview.set_marked(None if row < 0 else row)
        self._enable()

    # What is seen

    def _show_skeleton(self, row: int | None = None) -> None:
        row = self._names.currentRow() if row is None else row
        names = self.skeleton.names
        self._preview.set_skeleton(self.skeleton)
        self._names.blockSignals(True)
        while self._names.count() > len(names):
            self._names.takeItem(self._names.count() - 1)
        for i, name in enumerate(names):  # in place: this may be while one is renamed
            item = self._names.item(i)
            if item is None:
                item = QListWidgetItem()
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
                self._names.addItem(item)
            item.setText(name)
            item.setIcon(self._preview.badge(i))
            item.setToolTip(self._partner(i))
        self._names.setCurrentRow(min(row, len(names) - 1))
        self._names.blockSignals(False)
        self._preview.set_marked(None if self._names.currentRow() < 0 else self._names.currentRow())
        self._show_error("")
        self._about.setText(self._consequences())
        self._enable()

    def _partner(self, index: int) -> str:
        names = self.skeleton.names
        other = next((a + b - index for a, b in pairs(names) if index in (a, b)), None)
        return "" if other is None else tr("Its other side is {keypoint}.", keypoint=spoken(names[other]))

    def _enable(self) -> None:
        row, count = self._names.currentRow(), len(self.skeleton.names)
        self._up.setEnabled(row > 0)
        self._down.setEnabled(0 <= row < count - 1)
        self._remove.setEnabled(row >= 0)
        is_other = self.skeleton != self.before and self._labelled is not None
        self._buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(is_other)

    def _show_error(self, sentence: str) -> None:
        self._error.setText(sentence)
        self._error.setVisible(bool(sentence))

    def _consequences(self) -> str:
        """Return what a change makes of the objects on record, and how the names pair up."""
        count = len(pairs(self.skeleton.names))
        paired = plural(
            "{n} pair of left and right, by the names.", "{n} pairs of left and right, by the names.", count
        )
        if self._labelled is None:
            return f"{tr('Counting the objects that have these keypoints…')} {paired}"
        if not self._objects:
            return f"{tr('No object of the project has these keypoints yet.')} {paired}"
        said = [plural("{n:,} object has these keypoints.", "{n:,} objects have these keypoints.", self._objects)]
        origins = self.skeleton.origins
        kept = [origin for origin in origins if origin is not None]
        dropped = [i for i in range(len(self.before.names)) if i not in kept]
        if dropped:
            named = [f"{spoken(self.before.names[i])} ({self._labelled.get(i, 0):,})" for i in dropped]
            said.append(tr("Dropped there, with how often it is placed: {keypoints}.", keypoints=listing(named)))
        if kept != sorted(kept):
            said.append(tr("Points go with their names."))
        if None in origins:
            said.append(tr("What is new is unlabelled there."))
        return " ".join((*said, paired))
