"""From the model's answers to the suggestions of each document: which photos are asked for, and in whose classes.

What was imported is on offer whatever the model finds; of what both see, the imported one alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import replace
from math import inf
from operator import itemgetter
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from annotator.core.document import Status, new_objects
from annotator.core.image_filter import FINISHED
from annotator.core.image_list import NOT_LOOKED_AT
from annotator.core.skeleton import in_order_of
from annotator.core.training_set import MODEL_CLASS
from annotator.session.time_slices import TimeSlicer
from annotator.suggestions.imported import ImportedSuggestions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from annotator.core.annotation import Annotation
    from annotator.core.document import Document
    from annotator.core.project import Project
    from annotator.core.store.suggestion_pools import Pool
    from annotator.session.session import Session
    from annotator.suggestions.inference_worker import InferenceWorker
    from annotator.suggestions.messages import ModelInfo, Suggestions
    from dataset.coco.categories import Category

COUNTED = 200  # photos whose suggestions are counted together: in 4 ms, and the list takes 5 more under a filter


class SuggestionController(QObject):
    """Asks for the current photo, then for the next ones, and shows what comes back.

    Signals:
        unmatched: (names) classes that the model knows and the project does not, so that their suggestions are not
            shown; emitted when they become others or none.
        speed: (milliseconds) the model took for a photo.
        model_changed: another model is in use.
    """

    unmatched = Signal(object)
    speed = Signal(float)
    model_changed = Signal()

    def __init__(self, session: Session, suggester: InferenceWorker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._suggester = suggester
        self.model: ModelInfo | None = None
        self._scores: dict[str, list[tuple[float, int]]] = {}  # and class, ascending, of each photo seen
        self._to_project: dict[int, int] = {}  # the model's category id -> the project's
        self._imported = ImportedSuggestions(session, self)
        self._imported.changed.connect(self._imported_changed)
        self._told: list[str] = []  # the model's classes that the person knows are not in the project
        self._recount = QTimer(self, singleShot=True, interval=150)
        self._recount.timeout.connect(lambda: self._counting.start(self._count_each()))
        self._counting = TimeSlicer(self)
        session.document_changed.connect(self._document_changed)
        session.upcoming_changed.connect(self._request)
        session.categories.changed.connect(self._match)
        session.skeleton_changed.connect(lambda _change: self._offer_again())
        session.class_removed.connect(lambda _change: self._recount.start())
        session.project_changed.connect(self._project_changed)
        suggester.loaded.connect(self._model_loaded)
        suggester.suggested.connect(self._suggested)
        suggester.cached_scores.connect(self._recalled)

    def set_threshold(self, threshold: float) -> None:
        """Offer from this score on; the counts in the file list follow when the slider rests."""
        self._session.set_threshold(threshold)
        self._recount.start()

    def suggest_all(self) -> None:
        """Ask for every photo that the model has not looked at."""
        self._suggester.suggest_all(name for name in self.unfinished() if name not in self._scores)

    def unfinished(self) -> list[str]:
        """Return the photos that can be read and are not done."""
        photos = self._session.photos
        return [name for i, name in enumerate(photos.names) if photos.status(i) not in FINISHED]

    def expect_model(self) -> None:
        """Another model is being loaded: nothing that the one before it found is shown any more."""
        if self.model:
            self._forget_answers()
        self.model = None

    def stale_names(self) -> list[str]:
        """Return the photos that the model has looked at and that are not done: another model has to look again."""
        photos = self._session.photos
        return [name for name in self._scores if photos.status(photos.index(name)) not in FINISHED]

    def model_category(self, category_id: int) -> int | None:
        """Return the model's id of a class of the project, or None if it does not know it."""
        return next((theirs for theirs, ours in self._to_project.items() if ours == category_id), None)

    def project_category(self, model_category: int | None) -> int | None:
        """Return the project's id of a class of the model, or None if it has none such."""
        return None if model_category is None else self._to_project.get(model_category)

    def in_project(self, found: Annotation) -> Annotation:
        """Return what the model found, of a class that the project has, in that class and with its keypoints."""
        ours = self._session.categories[self._to_project[found.category_id]]
        keypoints = in_order_of(found.keypoints, self.keypoint_names(found.category_id), ours.keypoint_names)
        return replace(found, category_id=ours.id, keypoints=keypoints)

    def keypoint_names(self, model_category: int) -> tuple[str, ...]:
        """Return what keypoints the model in use finds of one of its classes."""
        known = self.model.categories if self.model else ()
        return next((category.keypoint_names for category in known if category.id == model_category), ())

    @property
    def class_names(self) -> list[str]:
        """What the classes of the model in use are called."""
        return [category.name for category in self.model.categories] if self.model else []

    def add_model_classes(self) -> None:
        """Give the project the model's classes that it lacks."""
        model = self.model
        if self._session.project and model:
            for category in self._unmatched(model):
                self._session.categories.add(
                    category.name, supercategory=category.supercategory, keypoint_names=category.keypoint_names,
                    skeleton=category.skeleton, category_id=category.id,
                )  # fmt: skip

    def offers(self) -> Callable[[str], Pool]:
        """Return a function, for another thread, that reads what is on offer in a photo that is not shown."""
        model, project, known = self.model, self._session.project, dict(self._to_project)
        threshold = self._session.threshold
        if project is None:
            return lambda _name: ()
        pools, imported, classes = (
            project.store.pools,
            project.store.imported_pool,
            {c.id for c in project.store.categories},
        )

        def read(name: str) -> Pool:
            given = [s for s in pools.peek(name, imported) or () if s.category_id in classes]
            found = (pools.peek(name, model.id) or ()) if model else ()
            ours = [replace(s, category_id=known[s.category_id]) for s in found if s.category_id in known]
            return tuple(s for s in together(given, ours) if (s.score or 0.0) >= threshold)

        return read

    def _project_changed(self, project: Project | None) -> None:
        self._counting.stop()
        self._scores.clear()
        self._to_project = {}
        self._report([])
        if project is None:
            self._suggester.clear_source()
            return
        self._suggester.set_source(project.folder, project.store.pools, len(self._session.photos.names))
        self._adopt_model()

    def _model_loaded(self, model: ModelInfo) -> None:
        if self.model and self.model.id != model.id:
            self._forget_answers()
        self.model = model
        self._adopt_model()
        if self._session.document:
            self._document_changed(self._session.document)
        self.model_changed.emit()

    def _forget_answers(self) -> None:
        self._session.forget_suggestion_marks()
        for document in self._session.documents.values():  # also the one shown, where more of them could be hidden
            document.forget_suggestions()
        photos = self._session.photos
        names = list(self._scores)
        self._scores.clear()
        if self._session.document:
            self._offer(self._session.document, None)
        with photos.together():
            for name in names:
                if name in photos:  # else they are another folder's by now
                    photos.update(name, suggestions=NOT_LOOKED_AT, status=self._unsuggested(name), least_score=inf)
                    self._count(name)

    def _adopt_model(self) -> None:
        """Match classes; a project without any takes the model's."""
        if self.model is None or self._session.project is None:
            return
        self._match()
        if not len(self._session.categories):
            self.add_model_classes()
        self._report([category.name for category in self._unmatched(self.model)])

    def _report(self, unmatched: list[str]) -> None:
        if unmatched != self._told:
            self._told = unmatched
            self.unmatched.emit(unmatched)

    def _match(self) -> None:
        """Find the project's class for each of the model's: by name, or what it was before it was renamed."""
        model, categories = self.model, self._session.categories
        if self._session.project is None or model is None:
            return
        named = {c.name.casefold(): c.id for c in categories}
        recorded = {str(c.extra[MODEL_CLASS]).casefold(): c.id for c in categories if MODEL_CLASS in c.extra}
        matched: dict[int, int] = {}
        renamed: dict[int, str] = {}
        for category in model.categories:
            name, before = category.name.casefold(), self._to_project.get(category.id)
            now = named.get(name, recorded.get(name))
            if now is None and before is not None and before in categories:
                now, renamed[before] = before, category.name
            if now is not None:
                matched[category.id] = now
        changed, self._to_project = matched != self._to_project, matched
        left = {category.name for category in self._unmatched(model)}
        self._report([name for name in self._told if name in left])
        for category_id, name in renamed.items():
            categories.set_extra(category_id, MODEL_CLASS, name)
        if changed:
            self._offer_again()
            self._recount.start()

    def _offer_again(self) -> None:
        """Offer what the model found in the current photo, in the classes as they are now; in others, when shown."""
        document = self._session.document
        for other in self._session.history.documents:
            if other is not document:
                other.forget_suggestions()
        if document:
            self._offer(document, self._recent_pool(document.name))

    def _offer(self, document: Document, found: Pool | None) -> None:
        """Offer what was imported for a photo, and what the model found in it, if it is known."""
        imported = self._imported.pool(document.name)
        if imported is not None or found is not None:
            document.set_suggestions(together(imported or (), self._in_project(found or ())))

    def _imported_changed(self, names: list[str]) -> None:
        document = self._session.document
        if document and document.name in names:
            self._offer(document, self._recent_pool(document.name))
        with self._session.photos.together():
            for name in names:
                other = self._session.document_of(name, None)
                if other and other is not document:
                    other.forget_suggestions()
                self._count(name)

    def _unmatched(self, model: ModelInfo) -> list[Category]:
        return [category for category in model.categories if category.id not in self._to_project]

    def _document_changed(self, document: Document | None) -> None:
        if document is None:
            return
        self._offer(document, self._recent_pool(document.name))
        self._count(document.name)
        self._request()

    def _request(self) -> None:
        """Ask for what is missing of the current photo and of those that are likely next."""
        document = self._session.document
        if document is None:
            return
        name, *upcoming = (
            name if self._recent_pool(name) is None else None for name in (document.name, *self._session.upcoming())
        )
        self._suggester.show(name, filter(None, upcoming))

    def _recent_pool(self, name: str) -> tuple[Annotation, ...] | None:
        """Return what the model found in a photo lately, as the store still has it in memory."""
        project = self._session.project
        if project is None or self.model is None or name not in self._scores:
            return None
        return project.store.pools.recent(name, self.model.id)

    def _suggested(self, answer: Suggestions) -> None:
        if self.model is None or answer.model_id != self.model.id or answer.name not in self._session.photos:
            return
        if answer.milliseconds is not None:
            self.speed.emit(answer.milliseconds)
        self._scores[answer.name] = sorted((s.score or 0.0, s.category_id) for s in answer.pool)
        document = self._session.document_of(answer.name, None)
        if document:
            self._offer(document, answer.pool)
        self._count(answer.name)

    def _recalled(self, model_id: str, scores: dict[str, tuple[tuple[float, int], ...]]) -> None:
        if self.model is None or model_id != self.model.id:
            return
        with self._session.photos.together():
            for name, found in scores.items():
                if name in self._session.photos and name not in self._scores:
                    self._scores[name] = sorted(found)
                    self._count(name)

    def _in_project(self, pool: tuple[Annotation, ...]) -> list[Annotation]:
        return [self.in_project(s) for s in pool if s.category_id in self._to_project]

    def _count(self, name: str) -> None:
        photos = self._session.photos
        if name not in self._scores and not self._imported.scores(name):
            return
        scores = self._scores_on_offer(name)
        count = len(scores)
        status = photos.status(photos.index(name))
        if status in (Status.NEW, Status.SUGGESTED):
            status = Status.SUGGESTED if count else Status.NEW
        photos.update(name, suggestions=count, status=status, least_score=min(scores, default=inf))

    def _scores_on_offer(self, name: str) -> list[float]:
        """Return the scores of what is on offer in a photo; where its shapes are not at hand, of what is unanswered."""
        session = self._session
        document, store = session.document_of(name, None), session.store
        if document is not None and document.has_pool:
            document.threshold = session.threshold
            return [s.score or 0.0 for s in document.suggestions]
        found, given = (
            at_least(scores, session.threshold) for scores in (self._scores.get(name, []), self._imported.scores(name))
        )
        offered = [(score, self._to_project[category]) for score, category in found if category in self._to_project]
        offered += [(score, category) for score, category in given if category in session.categories]
        answered = Counter(store.reviewed_scores(name) if store else ())
        return [score for score, _ in (Counter(offered) - answered).elements()]

    def _unsuggested(self, name: str) -> Status:
        photos = self._session.photos
        status = photos.status(photos.index(name))
        return Status.NEW if status is Status.SUGGESTED else status

    def _count_each(self) -> Iterator[None]:
        """Count anew what is on offer in every photo, many at a time."""
        names = list(dict.fromkeys((*self._scores, *self._imported.names)))
        for start in range(0, len(names), COUNTED):
            with self._session.photos.together():
                for name in names[start : start + COUNTED]:
                    if name in self._session.photos:
                        self._count(name)
            yield


def together(imported: Sequence[Annotation], found: Sequence[Annotation]) -> list[Annotation]:
    """Return what was imported, and of what the model found that which is not the same object."""
    return [*imported, *new_objects(tuple(found), (), tuple(imported))]


def at_least(scores: Sequence[tuple[float, int]], threshold: float) -> Sequence[tuple[float, int]]:
    """Return those of ascending scores that are not below the threshold."""
    return scores[bisect_left(scores, threshold, key=itemgetter(0)) :]
