"""Undo and redo: the edits of each photo, and among them the steps of a gesture that takes several."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from annotator.canvas.tools.base import GestureStep
from annotator.core import edits
from annotator.core.document import Edit

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.core.annotation import Annotation
    from annotator.core.document import Document


class UndoHistory(QObject):
    """A history for each document that has been edited since the folder was opened; one of them is active.

    Not a QUndoStack: steps of a gesture change nothing on record, so they go in between without taking away what could
    be redone, and they go when the gesture has become an edit. That, and `amend`, no QUndoStack can do.
    """

    changed = Signal()
    """What can be undone or redone is something else now."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._photos: dict[str, _Photo] = {}
        self._active: _Photo | None = None

    def push(self, document: Document, edit: Edit) -> None:
        """Apply an edit and remember it. One that changes nothing only sets its selection."""
        if edit.is_empty:
            document.select(edit.selection[True])
            return
        document.apply(edit)
        self._of(document).add(edit)
        self.activate(document)

    def push_step(self, document: Document, step: GestureStep) -> None:
        """Remember a step that a gesture has taken."""
        self._of(document).add_step(step)
        self.activate(document)

    def forget_steps(self, document: Document) -> None:
        """Forget the steps of the running gesture; those of one that was given up stay."""
        if document.name in self._photos:
            self._photos[document.name].forget_steps()
            self.changed.emit()

    def last(self, document: Document) -> Edit | None:
        """Return the edit that was done last on a document, if none of it has been undone since."""
        photo = self._photos.get(document.name)
        entry = photo.undone() if photo else None
        return entry if isinstance(entry, Edit) else None

    def amend(self, document: Document, made: Edit, edit: Edit) -> bool:
        """Let an edit that was made be another one, which changes the same state, as if that had been made instead.

        What can be redone stays so, and an edit that is undone is amended for its redo. Return False, and do nothing,
        if it is no longer there, or later ones changed its records.
        """
        photo = self._photos.get(document.name)
        if photo is None or not photo.amend(made, edit):
            return False
        if any(entry is edit for entry in photo.done):
            unchanged = {i: before for i, (before, _) in made.annotations.items()}
            document.apply(edits.substitute(document, unchanged | {i: r for i, (_, r) in edit.annotations.items()}))
        return True

    def rewrite(self, change: Callable[[Annotation], Annotation | None]) -> None:
        """Put other records in the place of those that the edits have, on record or not, as the documents have them.

        None takes one out; an edit that changes nothing any more goes.
        """
        for photo in self._photos.values():
            photo.rewrite(change)
        self.changed.emit()

    @property
    def documents(self) -> tuple[Document, ...]:
        """The documents that have a history."""
        return tuple(photo.document for photo in self._photos.values())

    def activate(self, document: Document | None) -> None:
        """Let undo and redo act on this document."""
        self._active = self._photos.get(document.name) if document else None
        self.changed.emit()

    def undo(self) -> None:
        """Undo what was done last, if anything was."""
        if self._active is not None and self._active.undone():
            self._active.undo()
            self.changed.emit()

    def redo(self) -> None:
        """Do again what was undone last, if anything was."""
        if self._active is not None and self._active.redone():
            self._active.redo()
            self.changed.emit()

    def canUndo(self) -> bool:
        """Return whether something can be undone."""
        return self._active is not None and self._active.undone() is not None

    def canRedo(self) -> bool:
        """Return whether something can be done again."""
        return self._active is not None and self._active.redone() is not None

    def undoText(self) -> str:
        """Return the name of what would be undone, or ""."""
        entry = self._active.undone() if self._active else None
        return entry.text if entry else ""

    def redoText(self) -> str:
        """Return the name of what would be done again, or ""."""
        entry = self._active.redone() if self._active else None
        return entry.text if entry else ""

    def document(self, name: str) -> Document | None:
        """Return the document of that photo if it has a history: it must be shown again, or its edits would not fit."""
        return self._photos[name].document if name in self._photos else None

    def clear(self) -> None:
        """Forget everything: another folder is opened."""
        self._photos.clear()
        self.activate(None)

    def _of(self, document: Document) -> _Photo:
        return self._photos.setdefault(document.name, _Photo(document))


@dataclass(slots=True)
class _Photo:
    """One photo's history: what was done, in order, and after it what was undone."""

    document: Document
    done: list[Edit | GestureStep] = field(default_factory=list)
    ahead: list[Edit | GestureStep] = field(default_factory=list)  # undone; the next to be done again is the last

    def add(self, edit: Edit) -> None:
        """Remember an edit that has been applied."""
        self.ahead.clear()
        last = self.done[-1] if self.done else None
        if isinstance(last, Edit) and edit.merge and last.merge == edit.merge:
            self.done[-1] = last.then(edit)
        else:
            self.done.append(edit)

    def add_step(self, step: GestureStep) -> None:
        """Remember a step. What was undone before it can still be done again after it, but for other steps."""
        self.ahead = [entry for entry in self.ahead if isinstance(entry, Edit)]
        self.done.append(step)

    def forget_steps(self) -> None:
        """Forget those of the running gesture."""
        for i in reversed(range(len(self.done))):
            step = self.done[i]
            if isinstance(step, GestureStep):
                if step.ends:
                    return
                del self.done[i]
                if step.begins:
                    return

    def amend(self, made: Edit, edit: Edit) -> bool:
        """Put an edit in the place of another, unless others came after it for any of their records."""
        timeline = [*self.done, *reversed(self.ahead)]
        place = next((i for i, entry in enumerate(timeline) if entry is made), None)
        if place is None:
            return False
        touched = made.annotations.keys() | edit.annotations.keys()
        if any(isinstance(entry, Edit) and entry.annotations.keys() & touched for entry in timeline[place + 1 :]):
            return False
        if place < len(self.done):
            self.done[place] = edit
        else:
            self.ahead[len(timeline) - 1 - place] = edit
        return True

    def rewrite(self, change: Callable[[Annotation], Annotation | None]) -> None:
        """Put other records into the edits."""
        for entries in (self.done, self.ahead):
            rewritten = [_rewritten(entry, change) if isinstance(entry, Edit) else entry for entry in entries]
            entries[:] = [entry for entry in rewritten if not (isinstance(entry, Edit) and entry.is_empty)]

    def undone(self) -> Edit | GestureStep | None:
        """Return what `undo` would undo."""
        return self.done[-1] if self.done else None

    def redone(self) -> Edit | GestureStep | None:
        """Return what `redo` would do again. While a gesture runs, that is one of its steps or nothing."""
        entry = self.ahead[-1] if self.ahead else None
        last_step = next((step for step in reversed(self.done) if isinstance(step, GestureStep)), None)
        runs = last_step is not None and not last_step.ends
        return None if runs and isinstance(entry, Edit) else entry

    def undo(self) -> None:
        """Undo the last entry."""
        entry = self.done.pop()
        self.ahead.append(entry)
        if isinstance(entry, Edit):
            self.document.revert(entry)
        else:
            entry.restore(entry.before)

    def redo(self) -> None:
        """Do the next entry again."""
        entry = self.ahead.pop()
        self.done.append(entry)
        if isinstance(entry, Edit):
            self.document.apply(entry)
        else:
            entry.restore(entry.after)


def _rewritten(edit: Edit, change: Callable[[Annotation], Annotation | None]) -> Edit:
    """Return the edit with other records; the same one where none is another."""
    annotations = {
        i: (before and change(before), after and change(after)) for i, (before, after) in edit.annotations.items()
    }
    is_same = all(
        new is old for i, pair in annotations.items() for new, old in zip(pair, edit.annotations[i], strict=True)
    )
    return edit if is_same else replace(edit, annotations=annotations)
