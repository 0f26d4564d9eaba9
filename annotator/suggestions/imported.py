"""Suggestions that were imported, such as another model's: kept beside those of the model in use, for good."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from annotator.core.annotation import Annotation
    from annotator.core.project import Project
    from annotator.core.store.suggestion_pools import Pool
    from annotator.session.session import Session
    from dataset.coco.categories import Category

READ_AT_ONCE = 500  # photos whose scores arrive together


class ImportedSuggestions(QObject):
    """What was imported for the photos of the open project: the scores of all, the shapes of those looked at lately.

    Signals:
        changed: (names) photos of which something else is known now.
    """

    changed = Signal(object)
    _read = Signal(int, object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._number = 0  # of the project: what arrives of one before is late
        self._scores: dict[str, list[tuple[float, int]]] = {}  # and class, ascending
        session.project_changed.connect(self._use_project)
        session.suggestions_imported.connect(self._take)
        self._read.connect(self._know)

    @property
    def names(self) -> list[str]:
        """The photos that have any."""
        return list(self._scores)

    def scores(self, name: str) -> list[tuple[float, int]]:
        """Return the scores in a photo, ascending, each with its class."""
        return self._scores.get(name, [])

    def pool(self, name: str) -> Pool | None:
        """Return what was imported for a photo; None where there is nothing, or it is being read: see `changed`."""
        store = self._session.store
        if store is None or name not in self._scores:
            return None
        model, pools, number = store.imported_pool, store.pools, self._number
        found = pools.recent(name, model)
        if found is None:

            def read() -> None:
                pool = pools.get(name, model)  # None where the photo is not the same any more
                scores = [] if pool is None else [(s.score or 0.0, s.category_id) for s in pool]
                self._read.emit(number, {name: scores})

            self._session.on_disk(read)
            return None
        categories = self._session.categories
        return tuple(fitting(s, categories[s.category_id]) for s in found if s.category_id in categories)

    def _use_project(self, project: Project | None) -> None:
        self._number += 1
        self._scores = {}
        if project is None:
            return
        number, pools, model = self._number, project.store.pools, project.store.imported_pool

        def read() -> None:
            names = sorted(pools.names(model))
            for start in range(0, len(names), READ_AT_ONCE):
                found = {name: pools.scores(name, model) for name in names[start : start + READ_AT_ONCE]}
                self._read.emit(number, {name: list(scores) for name, scores in found.items() if scores})

        self._session.on_disk(read)

    def _know(self, number: int, scores: dict[str, list[tuple[float, int]]]) -> None:
        if number != self._number:
            return
        for name, found in scores.items():
            if found:
                self._scores[name] = sorted(found)
            else:
                self._scores.pop(name, None)
        self.changed.emit([name for name in scores if name in self._session.photos])

    def _take(self, name: str, suggestions: Pool) -> None:
        store = self._session.store
        if store is not None:
            self._session.forget_suggestion_marks((name,))  # every import has the same ids
            store.pools.put(name, store.imported_pool, suggestions)
            self._know(self._number, {name: [(s.score or 0.0, s.category_id) for s in suggestions]})


def fitting(suggestion: Annotation, category: Category) -> Annotation:
    """Return a suggestion without keypoints where its class has others by now."""
    if len(suggestion.keypoints) in (0, len(category.keypoint_names)):
        return suggestion
    return replace(suggestion, keypoints=())
