"""What is noted about the photo, and the attributes of what is selected, between their panel and the document."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDockWidget

from annotator.core import edits
from annotator.core.attributes import attributes, common, declared, group, known_names, with_changes
from annotator.core.photo_state import NO_NOTES
from annotator.panels.details.object_section import AttributeRow
from annotator.session.messages import PHOTO
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from annotator.core.annotation import Annotation
    from annotator.core.attributes import DeclaredAttribute
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
        self._document: Document | None = None
        panel.objects.attribute_changed.connect(self._set_attribute)
        panel.objects.group_changed.connect(self._set_group)
        panel.shown.connect(self._show_objects)
        session.document_changed.connect(self._show)
        session.edited.connect(lambda: self._show(session.document))
        session.leaving.connect(panel.objects.hand_over)
        session.categories.changed.connect(self._show_objects)
        self._show(None)

    def handlers(self) -> dict[str, Callable[..., object]]:
        """Return the handlers of the actions."""
        return {"image.notes": self._edit_notes, "object.attributes": self._edit_attributes}

    def _edit_notes(self) -> None:
        self._open()
        self._panel.photo.tags.field.setFocus()
        self._panel.scroll_to(self._panel.photo)

    def _edit_attributes(self) -> None:
        if not self._chosen():
            self._session.message.emit(tr("Select an object first: attributes belong to one."), "info", PHOTO)
            return
        self._open()
        self._show_objects()
        self._panel.objects.take_keyboard()
        self._panel.scroll_to(self._panel.objects)

    def _open(self) -> None:
        dock = self._panel.parent()
        assert isinstance(dock, QDockWidget)
        dock.show()
        dock.raise_()

    def _show(self, document: Document | None) -> None:
        if document is not self._document:
            if self._document is not None:
                self._document.selection_changed.disconnect(self._show_objects)
            self._document = document
            if document is not None:
                document.selection_changed.connect(self._show_objects)
        self._panel.photo.setEnabled(document is not None)
        self._panel.photo.show_notes(document.notes if document else NO_NOTES)
        self._show_objects()

    # The selected objects

    def _chosen(self) -> list[Annotation]:
        document = self._document
        return [record for record in document.selected if record.id > 0] if document else []

    def _declared(self, records: Iterable[Annotation]) -> dict[str, DeclaredAttribute]:
        """Return the attributes that the classes of objects declare, by name."""
        categories = self._session.categories
        ids = dict.fromkeys(record.category_id for record in records)
        return {one.name: one for i in ids if i in categories for one in declared(categories[i])}

    def _show_objects(self) -> None:
        if not self._panel.isVisible():  # shown by `DetailsPanel.shown` when it is opened
            return
        chosen = self._chosen()
        known = self._declared(chosen)
        texts = dict.fromkeys(known, "") | common([attributes(record) for record in chosen])
        groups = {group(record) for record in chosen}
        rows = [AttributeRow(name, text, known[name].values if name in known else ()) for name, text in texts.items()]
        common_group = groups.pop() if len(groups) == 1 else None
        self._panel.objects.show_objects(tuple(record.id for record in chosen), rows, common_group)
        document = self._document
        names = [known_names(document.annotations, i) for i in {r.category_id for r in chosen}] if document else []
        self._panel.objects.show_known([name for some in names for name in some])

    def _set_attribute(self, name: str, text: str) -> None:
        examples = {one.name: one.example for one in self._declared(self._chosen()).values()}
        self._change(lambda record: with_changes(record, {name: text}, None, examples))

    def _set_group(self, text: str) -> None:
        self._change(lambda record: with_changes(record, {}, text))

    def _change(self, change: Callable[[Annotation], Annotation]) -> None:
        document = self._document
        changed = [after for record in self._chosen() if (after := change(record)) is not record]
        if document is not None and document is self._session.document and changed:
            self._session.push(edits.change(document, tr("change attributes"), changed, self._session.new_id))

    # The photo

    def _set_tags(self, tags: tuple[str, ...]) -> None:
        document = self._session.document
        if document:
            self._session.push(edits.set_notes(document, tr("change tags"), replace(document.notes, tags=tags)))

    def _set_note(self, note: str) -> None:
        document = self._session.document
        if document:
            notes = replace(document.notes, note=note)
            self._session.push(edits.set_notes(document, tr("change note"), notes, merge="note"))
