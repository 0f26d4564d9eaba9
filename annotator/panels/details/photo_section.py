"""The section of the photo: its tags and its note."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QPlainTextEdit, QVBoxLayout, QWidget

from annotator.panels.details.tags import TagsEditor
from annotator.panels.widgets import label, name_control
from dataset.i18n import tr

if TYPE_CHECKING:
    from annotator.core.photo_state import PhotoNotes

_UNDO = (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo)
LINES = 3  # of the note that are seen without scrolling


class NoteField(QPlainTextEdit):
    """A text of several lines, whose undo is the window's: each key is an edit of the photo."""

    escaped = Signal()
    """Escape: the keyboard may go elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.setUndoRedoEnabled(False)
        self.setTabChangesFocus(True)
        self.setFixedHeight(LINES * self.fontMetrics().lineSpacing() + 18)

    def event(self, event: QEvent) -> bool:
        """Leave the keys of undo and redo to the window."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            if any(event.matches(key) for key in _UNDO):
                event.ignore()
                return False
            if event.key() == Qt.Key.Key_Escape:
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape leaves; all else is typed."""
        if event.key() == Qt.Key.Key_Escape:
            self.escaped.emit()
        else:
            super().keyPressEvent(event)


class PhotoSection(QWidget):
    """Shows and changes what is noted about the current photo."""

    tags_changed = Signal(object)
    """The tags are to be these: a tuple of texts."""
    note_changed = Signal(str)
    """The note is to be this."""
    escaped = Signal()
    """Escape in a field: the keyboard may go elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.tags = TagsEditor()
        self._note = NoteField()
        self._note.setPlaceholderText(tr("Note"))
        name_control(self._note, "details.note", tr("A note on the photo"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(label(tr("Photo"), "title"))
        column.addWidget(self.tags)
        column.addWidget(self._note)
        self.tags.changed.connect(self.tags_changed)
        for field in (self.tags.field, self._note):
            field.escaped.connect(self.escaped)
        self._note.textChanged.connect(lambda: self.note_changed.emit(self._note.toPlainText()))

    def show_notes(self, notes: PhotoNotes) -> None:
        """Show what is noted, without changing it."""
        self.tags.show_tags(notes.tags)
        if notes.note != self._note.toPlainText():
            with QSignalBlocker(self._note):
                self._note.setPlainText(notes.note)
