"""What of the document is shown, found fast: derived anew from the document after each change, never changed here."""

from __future__ import annotations

from dataclasses import replace
from operator import is_
from typing import TYPE_CHECKING

from annotator.canvas.hit_testing import Index
from annotator.canvas.painter_paths import PathCache
from annotator.core.categories import object_color
from dataset.coco.categories import Category
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Iterable

    from annotator.core.annotation import Annotation
    from annotator.core.categories import Categories
    from annotator.core.document import Document


class VisibleRecords:
    """The shown records of a document in painting order, with what painting and finding need of them."""

    def __init__(self, categories: Categories) -> None:
        self.document: Document | None = None
        """The document, or None."""
        self.categories = categories
        """The project's classes."""
        self.index = Index()
        """Finds shown records at a point."""
        self.paths = PathCache()
        """Their painter paths."""
        self.colors_objects = False
        """Whether each object has a colour of its own, not its class's."""
        self._records: dict[int, Annotation] = {}

    def __getitem__(self, annotation_id: int) -> Annotation:
        """Return the shown record with that id. KeyError if there is none."""
        return self._records[annotation_id]

    def __contains__(self, annotation_id: int | None) -> bool:
        return annotation_id in self._records

    @property
    def records(self) -> Iterable[Annotation]:
        """In painting order: annotations, then suggestions from the least certain to the best."""
        return self._records.values()

    @property
    def selected(self) -> tuple[Annotation, ...]:
        """The selected records that are shown; the last is the one with handles."""
        if self.document is None:
            return ()
        return tuple(self._records[i] for i in self.document.selection if i in self._records)

    @property
    def target(self) -> Annotation | None:
        """The one of the selected records that has handles, and that tools change; None where none is shown."""
        selected = self.selected
        return selected[-1] if selected else None

    @property
    def unlocked(self) -> list[Annotation]:
        """The shown records that can be changed, in painting order."""
        locked = self.locked
        return [record for record in self.records if record.id not in locked]

    @property
    def locked(self) -> frozenset[int]:
        """Ids that cannot be selected or changed."""
        return frozenset() if self.document is None else self.document.marks.locked

    def category(self, record: Annotation) -> Category:
        """Return the record's class, with the colour that it is painted in.

        It is a grey nameless one where the project has none with that id.
        """
        if record.category_id in self.categories:
            found = self.categories[record.category_id]
        else:
            found = Category(record.category_id, tr("class {id}", id=record.category_id), color="#c0c0c4")
        return replace(found, color=object_color(record.id)) if self.colors_objects else found

    def color(self, record: Annotation) -> str:
        """Return the colour that the record is painted in."""
        return object_color(record.id) if self.colors_objects else self.category(record).color

    def label(self, record: Annotation) -> str:
        """Its name, with the score of what is only suggested."""
        name = self.category(record).name
        return f"{name} {record.score:.2f}" if record.is_suggestion and record.score is not None else name

    def sync(self) -> list[Annotation]:
        """Follow the document. Return the records that appeared and those that went; a changed one is both."""
        document = self.document
        shown: list[Annotation] = []
        if document is not None:
            shown += document.shown_annotations
            shown += reversed(document.shown_suggestions)
        before = self._records
        if len(before) == len(shown) and all(map(is_, before.values(), shown)):
            return []
        self._records = {record.id: record for record in shown}
        changed = [r for r in before.values() if self._records.get(r.id) is not r]
        changed += [r for r in shown if before.get(r.id) is not r]
        self.index = Index(shown, self.index)
        self.paths.keep(self._records)
        return changed
