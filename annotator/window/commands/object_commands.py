"""The boolean operations of the Object menu: what each does to the selection, and why it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from annotator.core import shape_edits
from annotator.window.commands.simplifying import NO_OUTLINE
from dataset.i18n import mark, tr

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from annotator.core.annotation import Annotation
    from annotator.core.document import Document, Edit
    from annotator.session.session import Session
    from annotator.window.actions import Actions

SEVERAL = mark("Select two objects or more that have an outline, first the one that is to stay")


class _Operation(NamedTuple):
    run: Callable[[Document, Sequence[int], Callable[[], int]], Edit | None] | None  # None: `Simplifying` does it
    applies: Callable[[Sequence[Annotation]], bool]  # to the selected objects that have an outline
    reason: str  # why it does not, given to `mark`
    unchanged: str  # what is shown where it would change nothing, given to `mark`


def _are_several(records: Sequence[Annotation]) -> bool:
    return len(records) > 1


_OPERATIONS = {
    "object.unite": _Operation(shape_edits.unite, _are_several, SEVERAL, ""),
    "object.subtract": _Operation(
        shape_edits.subtract, _are_several, SEVERAL, mark("None of the others overlaps the object selected first.")
    ),
    "object.intersect": _Operation(
        shape_edits.intersect, _are_several, SEVERAL, mark("The selected objects share nothing.")
    ),
    "object.separate": _Operation(
        shape_edits.separate,
        lambda records: any(len(record.shape.geoms) > 1 for record in records),
        mark("Select an object of several parts"),
        mark("The parts of the selected object overlap: they are one."),
    ),
    "object.fill_holes": _Operation(
        shape_edits.fill_holes,
        lambda records: any(shape_edits.has_holes(record.shape) for record in records),
        mark("Select an object with a hole"),
        "",
    ),
    "object.simplify": _Operation(None, bool, NO_OUTLINE, ""),
}


class ObjectCommands:
    """Does the operations on the session's selection, and keeps their actions enabled where they apply."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._actions: Actions | None = None
        self._document: Document | None = None

    def handlers(self) -> dict[str, Callable[..., object]]:
        """Return the handlers of the actions."""
        return {name: lambda _on=False, n=name: self._do(n) for name, operation in _OPERATIONS.items() if operation.run}

    def follow(self, actions: Actions) -> None:
        """Enable the actions as the selection has it, from now on."""
        self._actions = actions
        self._session.document_changed.connect(self._set_document)
        self._set_document(self._session.document)

    def applicable(self) -> list[str]:
        """Return the names of the actions that apply to what is selected."""
        records = self._outlined()
        return [name for name, operation in _OPERATIONS.items() if operation.applies(records)]

    def _set_document(self, document: Document | None) -> None:
        if self._document is not None:
            self._document.selection_changed.disconnect(self._update)
            self._document.changed.disconnect(self._update)
        self._document = document
        if document is not None:
            document.selection_changed.connect(self._update)
            document.changed.connect(self._update)
        self._update()

    def _update(self, _ids: object = None) -> None:
        assert self._actions is not None, "called after `follow`"
        records = self._outlined()
        for name, operation in _OPERATIONS.items():
            self._actions.set_applicable(name, "" if operation.applies(records) else tr(operation.reason))

    def _outlined(self) -> list[Annotation]:
        document = self._document
        # After a change, the selection may still have what is gone.
        records = map(document.get, document.selection) if document else ()
        return [record for record in records if record is not None and not record.shape.is_empty]

    def _do(self, name: str) -> None:
        document, records, operation = self._document, self._outlined(), _OPERATIONS[name]
        if document is None or operation.run is None or not operation.applies(records):
            return
        edit = operation.run(document, [record.id for record in records], self._session.new_id)
        if edit is not None:
            self._session.push(edit)
        elif operation.unchanged:
            self._session.message.emit(tr(operation.unchanged), "info", "")
