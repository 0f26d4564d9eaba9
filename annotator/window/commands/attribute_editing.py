"""From the selection to the dialog of its attributes, and back as one edit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.core import edits
from annotator.core.attributes import attributes, group, known_names, with_changes
from annotator.panels.dialogs.attributes_dialog import AttributesDialog
from annotator.session.messages import PHOTO
from dataset.i18n import tr

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from annotator.core.document import Document
    from annotator.session.session import Session


class AttributeEditing:
    """Shows the attributes of the object selected last; what is changed is set for all that are selected."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        self._session, self._window = session, parent

    def edit(self, _on: bool = False) -> None:  # noqa: FBT001, FBT002 - a signal's argument
        """Open the dialog; without a selected object, say so."""
        document = self._session.document
        chosen = [record for record in document.selected if record.id > 0] if document else []
        if document is None or not chosen:
            self._session.message.emit(tr("Select an object first: attributes belong to one."), "info", PHOTO)
            return
        last = chosen[-1]
        names = known_names(document.annotations, last.category_id)
        dialog = AttributesDialog(attributes(last), names, group(last), len(chosen), self._window)
        ids = [record.id for record in chosen]
        dialog.accepted.connect(lambda: self._apply(document, ids, dialog))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _apply(self, document: Document, ids: list[int], dialog: AttributesDialog) -> None:
        if document is self._session.document:
            changes, new_group = dialog.changes, dialog.group
            before = [document[i] for i in ids if i in document]
            after = [with_changes(record, changes, new_group) for record in before]
            changed = [new for new, old in zip(after, before, strict=True) if new is not old]
            if changed:
                self._session.push(edits.change(document, tr("change attributes"), changed, self._session.new_id))
