"""Undo and redo, as their actions do them and name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.canvas.view import CanvasView
    from annotator.session.session import Session
    from annotator.window.actions import Actions


class UndoCommands:
    """The history's undo and redo, which wait for a drag: undo ends it and nothing else."""

    def __init__(self, session: Session, canvas: CanvasView) -> None:
        self._session, self._canvas = session, canvas

    def handlers(self) -> dict[str, Callable[..., object]]:
        """Return the handlers of the actions."""
        return {"edit.undo": self._undo, "edit.redo": self._redo}

    def follow(self, actions: Actions) -> None:
        """Show in the actions what can be undone and redone, from now on."""
        history, undo, redo = self._session.history, actions["edit.undo"], actions["edit.redo"]

        def update() -> None:
            undo.setEnabled(history.canUndo())
            undo.setText(tr("&Undo {edit}", edit=history.undoText()) if history.undoText() else tr("&Undo"))
            redo.setEnabled(history.canRedo())
            redo.setText(tr("&Redo {edit}", edit=history.redoText()) if history.redoText() else tr("&Redo"))

        history.changed.connect(update)
        update()

    def _undo(self) -> None:
        if self._canvas.holds:
            self._canvas.take_back()
        else:
            self._step(self._session.history.undo)

    def _redo(self) -> None:
        if not self._canvas.holds:
            self._step(self._session.history.redo)

    def _step(self, step: Callable[[], object]) -> None:
        """Undo or redo, and show what that changes."""
        document = self._session.document
        reviewed = document.reviewed if document else ()
        if not self._canvas.busy:
            self._session.show(annotations=True)
        step()
        if document and document.reviewed != reviewed:
            self._session.show(suggestions=True)
