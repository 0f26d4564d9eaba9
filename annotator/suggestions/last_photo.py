"""The objects of the photo before, copied to this one and fitted to it by the model."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from annotator.core import edits
from annotator.session.messages import PHOTO
from annotator.suggestions.question_groups import QuestionGroup, QuestionGroups
from dataset.geometry import bounds, clip, valid
from dataset.i18n import plural, tr

if TYPE_CHECKING:
    from annotator.core.annotation import Annotation
    from annotator.core.document import Edit
    from annotator.session.session import Session
    from annotator.suggestions.controller import SuggestionController
    from annotator.suggestions.inference_worker import InferenceWorker
    from annotator.suggestions.messages import BoxAnswer


@dataclass(slots=True)
class _Copy(QuestionGroup):
    """Objects that were copied, and what the model has made of them so far."""

    made: Edit
    fitted: dict[int, Annotation] = field(default_factory=dict)
    """Copies by id, with the model's outlines."""


class LastPhotoCopier(QObject):
    """Copies what is on record for the photo before in the list; the mask head then outlines it in each copy's box.

    The copies are on record at once, selected together; one undo takes them back, fitted or not. They stay as they were
    copied where the model finds nothing, and all of them if one is edited before the model has answered.
    """

    def __init__(
        self, session: Session, suggester: InferenceWorker, flow: SuggestionController, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session, self._suggester, self._flow = session, suggester, flow
        self._running = QuestionGroups[_Copy]()
        suggester.box_answered.connect(self._answer)
        session.project_changed.connect(lambda _project: self._running.clear())

    def copy(self) -> None:
        """Copy to the current photo, or say why there is nothing to copy."""
        session = self._session
        document, store = session.document, session.store
        if document is None or store is None:
            return
        before = session.photos.next(document.name, -1)
        if before is None:
            self._tell(tr("This is the first photo of the list."))
            return
        inside = [(old, clip(valid(old.shape), document.size)) for old in store.load(before).annotations]
        copies = [
            replace(old, id=session.new_id(), shape=shape, score=None, extra={})
            for old, shape in inside
            if not shape.is_empty
        ]
        if not copies:
            self._tell(tr("{photo} has no objects to copy.", photo=before))
            return
        text = plural("copy object of the last photo", "copy {n} objects of the last photo", len(copies))
        session.push(edits.add(document, copies, text))
        made = session.history.last(document)
        if made is None:
            return
        if self._flow.model is None:
            self._tell(tr("Copied from {photo} unchanged: no model is in use yet.", photo=before))
            return
        self._fit(_Copy(document, made), copies)

    def _fit(self, copy: _Copy, copies: list[Annotation]) -> None:
        for record in copies:
            if not record.is_box and not record.is_crowd:
                known = self._flow.model_category(record.category_id)
                copy.open[self._suggester.outline(copy.document.name, bounds(record.shape), known)] = record
        self._running.add(copy)

    def _answer(self, answer: BoxAnswer) -> None:
        taken = self._running.take(answer.number)
        if taken is None:
            return
        copy, record = taken
        if answer.found is not None and not answer.found.is_box:
            copy.fitted[record.id] = replace(record, shape=answer.found.shape)
        if not copy.open:
            self._finish(copy)

    def _finish(self, copy: _Copy) -> None:
        session, document, made = self._session, copy.document, copy.made
        if not copy.fitted:
            if document is session.document:
                self._tell(tr("Copied unchanged: the model sees nothing there."))
            return
        if session.history.document(document.name) is not document:
            return  # another folder is open
        copied = {i: change for i, change in made.annotations.items() if change[0] is None}
        fitted = {i: (None, copy.fitted.get(i, after)) for i, (_, after) in copied.items()}
        session.amend(document, made, replace(made, annotations=fitted))

    def _tell(self, sentence: str) -> None:
        self._session.message.emit(sentence, "info", PHOTO)
