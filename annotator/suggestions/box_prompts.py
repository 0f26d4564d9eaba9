"""From a box that a person drew to the outline of the object in it, which the model finds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QObject

from dataset.geometry import bounds, combine
from dataset.i18n import tr

if TYPE_CHECKING:
    from annotator.canvas.tools.base import Drawn
    from annotator.canvas.view import CanvasView
    from annotator.core.annotation import Annotation, Keypoint
    from annotator.core.document import Document, Edit
    from annotator.session.session import Session
    from annotator.suggestions.controller import SuggestionController
    from annotator.suggestions.inference_worker import InferenceWorker
    from annotator.suggestions.messages import BoxAnswer


class _Question(NamedTuple):
    document: Document
    drawn: Drawn
    made: Edit  # what the box has become until the answer is there


class BoxPrompts(QObject):
    """Sends each box that is drawn to the model, and puts its outline in the box's place, or uses it as the box was.

    The box is on record before the model gets it, so nothing is lost whatever becomes of the answer. One undo takes
    both back, whatever was done between, and what can be redone stays so. An answer for a photo that is no longer shown
    still arrives there.
    """

    def __init__(
        self,
        session: Session,
        suggester: InferenceWorker,
        flow: SuggestionController,
        canvas: CanvasView,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._session, self._suggester, self._flow = session, suggester, flow
        self._asked: dict[int, _Question] = {}  # by its number
        canvas.box_drawn.connect(self._ask)
        suggester.box_answered.connect(self._answer)
        session.project_changed.connect(lambda _project: self._asked.clear())

    def _ask(self, drawn: Drawn) -> None:
        document = self._session.document
        made = self._session.history.last(document) if document else None
        if document is None or made is None:
            return
        known = self._flow.model_category(drawn.category_id)
        number = self._suggester.outline(document.name, bounds(drawn.outline), known)
        self._asked[number] = _Question(document, drawn, made)

    def _answer(self, answer: BoxAnswer) -> None:
        question = self._asked.pop(answer.number, None)
        history = self._session.history
        if question is None or history.document(question.document.name) is not question.document:
            return  # another folder is open
        if answer.found is None:
            self._report_failure(question, answer.why)
            return
        if not self._session.amend(question.document, question.made, self._with_outline(question, answer)):
            self._report_unused(question)  # the object itself was edited since, which stays

    def _report_unused(self, question: _Question) -> None:
        """Say that a box was used as it is, where the object was changed again at once; what was undone is over."""
        drawn, document = question.drawn, question.document
        if drawn.mode is not None and document is self._session.document and drawn.record_id in document:
            text = tr("The box was used as it is: the object changed before the model's outline was there.")
            self._session.message.emit(text, "info", "")

    def _report_failure(self, question: _Question, why: str) -> None:
        document, drawn = question.document, question.drawn
        if document.get(drawn.record_id) != question.made.annotations[drawn.record_id][1]:
            return
        if drawn.mode is not None:
            text = tr("The box in {photo} was used as it is: {reason}", photo=document.name, reason=why)
        elif document is not self._session.document:
            text = tr("The box in {photo} stays a box: {reason}", photo=document.name, reason=why)
        else:
            text = tr("The box stays a box: {reason}", reason=why)
        self._session.message.emit(text, "info", "")

    def _with_outline(self, question: _Question, answer: BoxAnswer) -> Edit:
        """Return the edit as it would have been with the model's outline instead of the box."""
        drawn, made, found = question.drawn, question.made, answer.found
        before, record = made.annotations[drawn.record_id]
        assert found is not None
        assert record is not None
        after: Annotation | None
        if drawn.mode is None or drawn.target is None:
            keypoints = self._keypoints(drawn.category_id, answer)
            after = replace(record, shape=found.shape, keypoints=keypoints, is_box=False)
        else:
            shape = combine(drawn.target.shape, found.shape, drawn.mode, question.document.size)
            after = None if shape.is_empty else replace(record, shape=shape)
        return replace(made, annotations={drawn.record_id: (before, after)})  # neighbours are as they were before

    def _keypoints(self, category_id: int, answer: BoxAnswer) -> tuple[Keypoint, ...]:
        """Return the model's keypoints as those of the project's class, as far as the model knows that."""
        known = self._flow.model_category(category_id)
        if answer.found is None or known is None or category_id not in self._session.categories:
            return ()
        return self._flow.in_project(replace(answer.found, category_id=known)).keypoints
