"""The question before a class goes: what becomes of its objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QRadioButton, QVBoxLayout, QWidget

from annotator.panels.widgets import ElidedComboBox, label, name_control
from dataset.i18n import plural, tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataset.coco.categories import Category

WIDTH = 400
_INDENT = 22  # pixels, of what belongs to a choice


class ClassRemovalDialog(QDialog):
    """Asks where a class's objects go: to another class (all there is when merging), or away. Changes nothing."""

    def __init__(
        self, category: Category, others: Sequence[Category], *, merging: bool, parent: QWidget | None = None
    ) -> None:
        """Ask for a class of the others in the project; merging, there is at least one."""
        super().__init__(parent)
        self._name, self._merging = category.name, merging
        title = tr("Merge {name}", name=category.name) if merging else tr("Delete {name}", name=category.name)
        self.setObjectName("class_removal")
        self.setWindowTitle(title)
        self.setFixedWidth(WIDTH)
        self._about = label(tr("The objects are being counted…"))
        self._about.setObjectName("class_removal.about")
        self._about.setWordWrap(True)
        self._move = QRadioButton(tr("Move them to"))
        self._move.setObjectName("class_removal.move")
        self._into = ElidedComboBox()
        name_control(self._into, "class_removal.into", tr("The class that the objects get"))
        for other in others:
            self._into.addItem(other.name, other.id)
        self._delete = QRadioButton(tr("Delete them"))
        self._delete.setObjectName("class_removal.delete")
        (self._move if others else self._delete).setChecked(True)
        self._move.setEnabled(bool(others))
        self._hint = label(tr("Keypoints are kept where both classes have the same names."), tone="muted")
        self._hint.setWordWrap(True)
        box = QDialogButtonBox.StandardButton
        self._buttons = QDialogButtonBox(box.Ok | box.Cancel)
        self._ok = self._buttons.button(box.Ok)
        self._ok.setText(tr("Merge") if merging else tr("Delete class"))
        self._ok.setEnabled(False)
        self._lay_out()
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        self._move.toggled.connect(self._into.setEnabled)
        self._into.setEnabled(bool(others))
        self._into.activated.connect(lambda _row: self._move.setChecked(True))

    @property
    def into(self) -> int | None:
        """The class that the objects are to get, None if they are to go."""
        return self._into.currentData() if self._move.isChecked() else None

    def set_use(self, objects: int, photos: int) -> None:
        """Show how many objects in how many photos are of the class; until then nothing can be answered."""
        many = plural("{n:,} object", "{n:,} objects", objects)
        where = plural("in {n:,} photo", "in {n:,} photos", photos)
        self._about.setText(tr("{name}: {objects} {where}.", name=self._name, objects=many, where=where))
        self._ok.setEnabled(True)

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.addWidget(self._about)
        layout.addWidget(self._move)
        into = QVBoxLayout()
        into.setContentsMargins(_INDENT, 0, 0, 0)
        into.addWidget(self._into)
        into.addWidget(self._hint)
        layout.addLayout(into)
        layout.addWidget(self._delete)
        self._delete.setVisible(not self._merging)
        layout.addSpacing(8)
        layout.addWidget(self._buttons)
