"""From selected objects to their keypoints, which the model finds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from annotator.canvas.hit_testing import extent
from annotator.core import edits
from annotator.core.skeleton import shared_names
from annotator.session.messages import PHOTO
from annotator.suggestions.question_groups import QuestionGroup, QuestionGroups
from dataset.i18n import plural, tr

if TYPE_CHECKING:
    from annotator.core.annotation import Annotation
    from annotator.session.session import Session
    from annotator.suggestions.controller import SuggestionController
    from annotator.suggestions.inference_worker import InferenceWorker
    from annotator.suggestions.messages import BoxAnswer


@dataclass(slots=True)
class _Request(QuestionGroup):
    """What was asked at once, and what came of it so far."""

    found: list[tuple[Annotation, Annotation]] = field(default_factory=list)
    """Objects as they were asked about, and with their keypoints."""
    failed: list[str] = field(default_factory=list)
    """Why there are none for others."""


class KeypointPrompts(QObject):
    """Asks the model for the keypoints of what is selected, and puts all of them on record as one step.

    An object that is no longer as it was is left alone, and so is a photo that was left and never edited.
    """

    def __init__(
        self, session: Session, suggester: InferenceWorker, flow: SuggestionController, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session, self._suggester, self._flow = session, suggester, flow
        self._requests = QuestionGroups[_Request]()
        suggester.box_answered.connect(self._answer)
        session.project_changed.connect(lambda _project: self._requests.clear())

    def ask(self) -> None:
        """Ask for the keypoints of the selected objects, or say why that cannot be."""
        document = self._session.document
        if document is None:
            return
        request, refused = _Request(document), ""
        for record in document.selected:
            why = self._refusal(record)
            if why:
                refused = why
                continue
            known = self._flow.model_category(record.category_id)
            assert known is not None, "else it is refused"
            request.open[self._suggester.find_keypoints(document.name, extent(record), known)] = record
        self._requests.add(request)
        if request.open:
            return
        if document.selected:
            self._tell(refused)
        else:
            self._tell(tr("Select the objects whose keypoints the model is to find."))

    def _refusal(self, record: Annotation) -> str:
        """Return why the model cannot find the keypoints of an object, in a sentence; "" where it can."""
        categories = self._session.categories
        if self._flow.model is None:
            return tr("No model is in use yet: try again in a moment, or choose one in the Model panel.")
        ours = next((category for category in categories if category.id == record.category_id), None)
        if ours is None or not ours.keypoint_names:
            name = "" if ours is None else ours.name
            return tr(
                "The class {name} has no keypoints: a right click on it in the Classes panel adds some.", name=name
            )
        theirs = self._flow.model_category(ours.id)
        if theirs is None or not shared_names(self._flow.keypoint_names(theirs), ours.keypoint_names):
            return tr("The model in use knows no keypoints of the class {name}.", name=ours.name)
        x0, y0, x1, y1 = extent(record)
        return "" if x1 > x0 and y1 > y0 else tr("The object is too small to find keypoints in it.")

    def _answer(self, answer: BoxAnswer) -> None:
        taken = self._requests.take(answer.number)
        if taken is None:
            return
        request, record = taken
        known = self._flow.model_category(record.category_id)
        found = answer.found and known and self._flow.in_project(replace(answer.found, category_id=known)).keypoints
        if found:
            request.found.append((record, record.with_keypoints(found)))
        else:
            request.failed.append(answer.why or tr("the model was changed meanwhile."))
        if not request.open:
            self._finish(request)

    def _finish(self, request: _Request) -> None:
        document, session = request.document, self._session
        if request.failed:
            self._tell(tr("There are objects without keypoints: {reason}", reason=request.failed[0]))
        if document is not session.document and session.history.document(document.name) is not document:
            return
        changed = [after for before, after in request.found if document.is_open(before)]
        if changed:
            text = plural("suggest keypoints", "suggest keypoints of {n} objects", len(changed))
            session.push_to(document, edits.change(document, text, changed, session.new_id))

    def _tell(self, sentence: str) -> None:
        self._session.message.emit(sentence, "info", PHOTO)
