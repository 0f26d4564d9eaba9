"""From a box that a person drew to the outline of the object in it, which the model finds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from dataset.geometry import bounds
from dataset.i18n import tr

if TYPE_CHECKING:
    from annotator.canvas.view import CanvasView
    from annotator.core.annotation import Annotation, Keypoint
    from annotator.core.document import Document
    from annotator.session.session import Session
    from annotator.suggestions.controller import SuggestionController
    from annotator.suggestions.inference_worker import InferenceWorker
    from annotator.suggestions.messages import BoxAnswer


class BoxPrompts(QObject):
    """Sends each box that is drawn to the model, and puts its outline in the box's place.

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
        self._asked: dict[int, tuple[Document, Annotation]] = {}  # by the number of the question
        canvas.box_drawn.connect(self._ask)
        suggester.box_answered.connect(self._answer)
        session.project_changed.connect(lambda _project: self._asked.clear())

    def _ask(self, annotation_id: int) -> None:
        document = self._session.document
        if document is None:
            return
        box = document[annotation_id]
        known = self._flow.model_category(box.category_id)
        self._asked[self._suggester.outline(document.name, bounds(box.shape), known)] = document, box

    def _answer(self, answer: BoxAnswer) -> None:
        document, box = self._asked.pop(answer.number, (None, None))
        history = self._session.history
        if document is None or box is None or history.document(document.name) is not document:
            return  # another folder is open
        if answer.found is None:
            if document.get(box.id) == box:
                text = tr("The box stays a box: {reason}", reason=answer.why)
                if document is not self._session.document:
                    text = tr("The box in {photo} stays a box: {reason}", photo=document.name, reason=answer.why)
                self._session.message.emit(text, "info", "")
            return
        outlined = replace(
            box, shape=answer.found.shape, keypoints=self._keypoints(box.category_id, answer), is_box=False
        )
        history.amend(document, outlined)  # unless the person has done something else with the box

    def _keypoints(self, category_id: int, answer: BoxAnswer) -> tuple[Keypoint, ...]:
        """Return the model's keypoints as those of the project's class, as far as the model knows that."""
        known = self._flow.model_category(category_id)
        if answer.found is None or known is None or category_id not in self._session.categories:
            return ()
        return self._flow.in_project(replace(answer.found, category_id=known)).keypoints
