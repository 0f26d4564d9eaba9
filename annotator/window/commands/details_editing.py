"""What is noted about the photo, between its panel and the document."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDockWidget

from annotator.core import edits
from annotator.core.photo_state import NO_NOTES
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.core.document import Document
    from annotator.panels.details.panel import DetailsPanel
    from annotator.session.session import Session


class DetailsEditing(QObject):
    """Shows the current document's details, and makes edits of what is changed in them."""

    def __init__(self, session: Session, panel: DetailsPanel) -> None:
        super().__init__(panel)
        self._session, self._panel = session, panel
        panel.photo.tags.field.known = session.photos.tags
        panel.photo.tags_changed.connect(self._set_tags)
        panel.photo.note_changed.connect(self._set_note)
        session.document_changed.connect(self._show)
        session.edited.connect(lambda: self._show(session.document))
        self._show(None)

    def handlers(self) -> dict[str, Callable[..., object]]:
        """Return the handlers of the actions."""
        return {"image.notes": self._open}

    def _open(self) -> None:
        dock = self._panel.parent()
        assert isinstance(dock, QDockWidget)
        dock.show()
        dock.raise_()
        self._panel.photo.tags.field.setFocus()

    def _show(self, document: Document | None) -> None:
        self._panel.photo.setEnabled(document is not None)
        self._panel.photo.show_notes(document.notes if document else NO_NOTES)

    def _set_tags(self, tags: tuple[str, ...]) -> None:
        document = self._session.document
        if document:
            self._session.push(edits.set_notes(document, tr("change tags"), replace(document.notes, tags=tags)))

    def _set_note(self, note: str) -> None:
        document = self._session.document
        if document:
            notes = replace(document.notes, note=note)
            self._session.push(edits.set_notes(document, tr("change note"), notes, merge="note"))
