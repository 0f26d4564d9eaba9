"""Undo and redo: Qt's undo stack over the edits of each photo."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from PySide6.QtGui import QUndoCommand, QUndoGroup, QUndoStack

if TYPE_CHECKING:
    from PySide6.QtCore import QObject

    from annotator.core.document import Document, Edit


class UndoHistory(QUndoGroup):
    """A stack for each document that has been edited since the folder was opened; one of them is active."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._stacks: dict[str, tuple[Document, QUndoStack]] = {}

    def push(self, document: Document, edit: Edit) -> None:
        """Apply an edit and remember it. One that changes nothing only sets its selection."""
        if edit.is_empty:
            document.select(edit.selection[True])
            return
        if document.name not in self._stacks:
            self._stacks[document.name] = (document, QUndoStack(self))
        self.activate(document)
        self._stacks[document.name][1].push(_EditCommand(document, edit))

    def activate(self, document: Document | None) -> None:
        """Let undo and redo act on this document."""
        _, stack = self._stacks.get(document.name, (None, None)) if document else (None, None)
        self.setActiveStack(stack)  # pyrefly: ignore  the stub does not know that None is allowed

    def document(self, name: str) -> Document | None:
        """Return the document of that photo if it has a history: it must be shown again, or its edits would not fit."""
        return self._stacks[name][0] if name in self._stacks else None

    def clear(self) -> None:
        """Forget everything: another folder is opened."""
        self.setActiveStack(None)  # pyrefly: ignore
        for _, stack in self._stacks.values():
            self.removeStack(stack)
            stack.deleteLater()
        self._stacks.clear()


class _EditCommand(QUndoCommand):
    def __init__(self, document: Document, edit: Edit) -> None:
        super().__init__(edit.text)
        self._document = document
        self._edit = edit

    def redo(self) -> None:
        self._document.apply(self._edit)

    def undo(self) -> None:
        self._document.revert(self._edit)

    def id(self) -> int:
        # Qt merges neighbours of the same id; -1 never merges. The key itself is compared in mergeWith.
        return zlib.crc32(self._edit.merge.encode()) & 0x7FFFFFFF if self._edit.merge else -1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, _EditCommand) or other._edit.merge != self._edit.merge:
            return False
        self._edit = self._edit.then(other._edit)
        return True
