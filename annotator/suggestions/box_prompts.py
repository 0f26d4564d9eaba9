"""From a box that a person drew to the outline of the object in it, which the model finds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QObject

from annotator.core import edits
from annotator.core.annotation import Origin
from dataset.geometry import bounds, combine
from dataset.i18n import tr

if TYPE_CHECKING:
    from annotator.canvas.tools.base import DraggedBox, Drawn
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
    made: Edit | None  # what the box has become until the answer is there; None: nothing, the object is as it was


class BoxPrompts(QObject):
    """Sends each box that is drawn to the model, and puts its outline in the box's place, or uses it as the box was.

    The box is on record before the model gets it, so nothing is lost whatever becomes of the answer. One undo takes
    both back, whatever was done between, and what can be redone stays so. An answer for a photo that is no longer shown
    still arrives there. While a box is dragged, its outlines are shown, of which none goes on record by that.
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
        self._session, self._suggester, self._flow, self._canvas = session, suggester, flow, canvas
        self._asked: dict[int, _Question] = {}  # by its number
        self._dragged: dict[int, tuple[Document, DraggedBox]] = {}  # not answered yet, by number
        self._given: dict[int, tuple[Keypoint, ...]] = {}  # keypoints by the model, by id of their object
        canvas.box_drawn.connect(self._ask)
        canvas.box_dragged.connect(self._ask_at_once)
        suggester.box_answered.connect(self._answer)
        suggester.draft_answered.connect(self._show)
        session.project_changed.connect(self._forget)

    def _forget(self, _project: object) -> None:
        self._asked.clear()
        self._dragged.clear()
        self._given.clear()

    def _ask_at_once(self, dragged: DraggedBox) -> None:
        document = self._session.document
        if document is not None:
            known = self._flow.model_category(dragged.category_id)
            number = self._suggester.outline_draft(document.name, dragged.box, known)
            self._dragged[number] = document, dragged

    def _show(self, answer: BoxAnswer) -> None:
        asked = self._dragged.pop(answer.number, None)
        self._dragged = {number: later for number, later in self._dragged.items() if number > answer.number}
        if asked is not None and asked[0] is self._session.document and answer.found is not None:
            self._canvas.show_outline(asked[1], answer.found.shape)

    def _ask(self, drawn: Drawn) -> None:
        document = self._session.document
        if document is None:
            return
        is_as_before = drawn.target is not None and document.get(drawn.record_id) is drawn.target
        made = None if is_as_before else self._session.history.last(document)
        if made is None and not is_as_before:
            return
        known = self._flow.model_category(drawn.category_id)
        number = self._suggester.outline(document.name, bounds(drawn.outline), known)
        self._asked[number] = _Question(document, drawn, made)

    def _answer(self, answer: BoxAnswer) -> None:
        question = self._asked.pop(answer.number, None)
        if question is None or not self._is_open(question.document):
            return  # another folder is open
        if answer.found is None:
            self._report_failure(question, answer.why)
            return
        if question.made is None:
            self._outline_anew(question, answer)
        elif not self._session.amend(question.document, question.made, self._with_outline(question, answer)):
            self._report_unused(question)  # the object itself was edited since, which stays

    def _is_open(self, document: Document) -> bool:
        return document is self._session.document or self._session.history.document(document.name) is document

    def _outline_anew(self, question: _Question, answer: BoxAnswer) -> None:
        """Put the outline on record where nothing was seen before the box was released, if the object is as it was."""
        document, drawn = question.document, question.drawn
        record = drawn.target
        assert answer.found is not None
        if record is None or not document.is_open(record):
            return
        changed = replace(record.with_shape(answer.found.shape), keypoints=self._keypoints(drawn, answer))
        edit = edits.change(document, tr("outline anew"), (changed,), self._session.new_id)
        self._given[next(iter(edit.annotations))] = changed.keypoints
        self._session.push_to(document, self._session.without_overlap(document, edit))

    def _report_unused(self, question: _Question) -> None:
        """Say that a box was used as it is, where the object was changed again at once; what was undone is over."""
        drawn, document = question.drawn, question.document
        if drawn.mode is not None and document is self._session.document and drawn.record_id in document:
            text = tr("The box was used as it is: the object changed before the model's outline was there.")
            self._session.message.emit(text, "info", "")

    def _report_failure(self, question: _Question, why: str) -> None:
        document, drawn = question.document, question.drawn
        record = drawn.target if question.made is None else question.made.annotations[drawn.record_id][1]
        if record is None or document.get(drawn.record_id) != record:
            return
        if drawn.mode is None and not record.is_box:
            text = tr("The outline in {photo} stays as it is: {reason}", photo=document.name, reason=why)
        elif drawn.mode is not None:
            text = tr("The box in {photo} was used as it is: {reason}", photo=document.name, reason=why)
        elif document is not self._session.document:
            text = tr("The box in {photo} stays a box: {reason}", photo=document.name, reason=why)
        else:
            text = tr("The box stays a box: {reason}", reason=why)
        self._session.message.emit(text, "info", "")

    def _with_outline(self, question: _Question, answer: BoxAnswer) -> Edit:
        """Return the edit as it would have been with the model's outline instead of the box."""
        drawn, made, found = question.drawn, question.made, answer.found
        assert made is not None
        before, record = made.annotations[drawn.record_id]
        assert found is not None
        assert record is not None
        after: Annotation | None
        if drawn.mode is None or drawn.target is None:
            keypoints = self._given[drawn.record_id] = self._keypoints(drawn, answer)
            after = replace(record, shape=found.shape, keypoints=keypoints, is_box=False)
        else:
            shape = combine(drawn.target.shape, found.shape, drawn.mode, question.document.size)
            after = None if shape.is_empty else replace(record, shape=shape)
        return replace(made, annotations={drawn.record_id: (before, after)})  # neighbours are as they were before

    def _keypoints(self, drawn: Drawn, answer: BoxAnswer) -> tuple[Keypoint, ...]:
        """Return the model's keypoints as those of the project's class, as far as the model knows that.

        An object that has other ones than the model gave it keeps them.
        """
        before = () if drawn.target is None else drawn.target.keypoints
        is_models = drawn.target is not None and drawn.target.origin is Origin.SUGGESTED
        if any(k.visibility for k in before) and not is_models and self._given.get(drawn.record_id) != before:
            return before
        category_id, known = drawn.category_id, self._flow.model_category(drawn.category_id)
        if answer.found is None or known is None or category_id not in self._session.categories:
            return before
        return self._flow.in_project(replace(answer.found, category_id=known)).keypoints or before
