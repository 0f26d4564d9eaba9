"""Undo and redo, as their actions do them and name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataset.i18n import tr

if TYPE_CHECKING:
    from annotator.canvas.view import CanvasView
    from annotator.session.undo import UndoHistory
    from annotator.window.actions import Actions


class UndoCommands:
    """The history's undo and redo, which wait for a drag: undo ends it and nothing else."""

    def __init__(self, history: UndoHistory, canvas: CanvasView) -> None:
        self._history, self._canvas = history, canvas

    def undo(self) -> None:
        """Undo what was done last, be it a drag that is not at its end yet."""
        if self._canvas.holds:
            self._canvas.take_back()
        else:
            self._history.undo()

    def redo(self) -> None:
        """Do again what was undone last."""
        if not self._canvas.holds:
            self._history.redo()

    def show_in(self, actions: Actions) -> None:
        """Keep the two actions in step: their texts, and whether there is anything."""

        def show() -> None:
            history, undo, redo = self._history, actions["edit.undo"], actions["edit.redo"]
            undo.setEnabled(history.canUndo())
            undo.setText(tr("&Undo {edit}", edit=history.undoText()) if history.undoText() else tr("&Undo"))
            redo.setEnabled(history.canRedo())
            redo.setText(tr("&Redo {edit}", edit=history.redoText()) if history.redoText() else tr("&Redo"))

        self._history.changed.connect(show)
        show()
