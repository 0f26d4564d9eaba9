"""From clicks on an object to its outline, which the model finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from shapely import MultiPolygon

from annotator.canvas.tools.base import FoundObject

if TYPE_CHECKING:
    from annotator.canvas.tools.base import Clicked
    from annotator.canvas.view import CanvasView
    from annotator.core.document import Document
    from annotator.session.session import Session
    from annotator.suggestions.controller import SuggestionController
    from annotator.suggestions.inference_worker import InferenceWorker
    from annotator.suggestions.messages import PointAnswer


class PointPrompts(QObject):
    """Sends what is clicked to the model, and its answer back to the tool; only the newest question counts."""

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
        self._asked: tuple[int, Document, Clicked] | None = None
        canvas.object_clicked.connect(self._ask)
        suggester.points_answered.connect(self._answer)

    def _ask(self, clicked: Clicked) -> None:
        document = self._session.document
        if document is not None:
            self._asked = self._suggester.find_object(document.name, clicked), document, clicked

    def _answer(self, answer: PointAnswer) -> None:
        if self._asked is None or self._asked[0] != answer.number:
            return
        (_, document, clicked), self._asked = self._asked, None
        if document is not self._session.document:
            return
        if answer.shape is None:
            found = FoundObject(MultiPolygon(), text=answer.text)
        else:
            found = FoundObject(answer.shape, self._flow.project_category(answer.category_id), (), answer.text)
        self._canvas.show_found(clicked, found)
