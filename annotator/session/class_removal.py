"""Taking a class out of a project, with or without its objects, and putting it back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from annotator.core.class_removal import ClassRemoval
from annotator.session.record_changes import change_records, rewritten

if TYPE_CHECKING:
    from collections.abc import Mapping

    from annotator.core.annotation import Annotation
    from annotator.core.photo_state import PhotoState
    from annotator.session.record_changes import Difference, Log
    from annotator.session.session import Session


@dataclass(slots=True)
class Removed:
    """A class that was taken out, with all that is needed to put it back."""

    change: ClassRemoval
    place: int
    """In the order of the classes, from 0."""
    photos: Mapping[str, PhotoState]
    """What was on record for the photos with its objects."""
    log: Log = field(default_factory=dict)
    """What was done to them."""

    @property
    def objects(self) -> int:
        """How many objects were moved or deleted."""
        return sum(len(changed) for changed in self.log.values())


def remove_class(session: Session, category_id: int, into: int | None, photos: Mapping[str, PhotoState]) -> Removed:
    """Take a class out; its objects, undone and copied ones too, move to the class `into`, or go if that is None.

    `photos` are those that its objects are in, as a `KeypointCounter` has found them.
    """
    session.end_gesture()
    categories = session.categories
    change = ClassRemoval(categories[category_id], None if into is None else categories[into])

    def difference(_name: str, records: Mapping[int, Annotation]) -> Difference:
        return rewritten(records, change)

    removed = Removed(change, categories.place(category_id), photos)
    removed.log = change_records(session, photos, difference, lambda: categories.remove(category_id), change)
    session.class_removed.emit(change)
    return removed


def put_back(session: Session, removed: Removed) -> None:
    """Put a class back, and its objects into it; one that was deleted or moved to a third class meanwhile stays so.

    Raises:
        ValueError: There is another class of that name by now, in a sentence for the person.
    """
    session.end_gesture()
    change = removed.change

    def difference(name: str, records: Mapping[int, Annotation]) -> Difference:
        if change.into is None:
            return {i: before for i, (before, _) in removed.log.get(name, {}).items() if i not in records}
        return rewritten(records, change.back)

    def add_class() -> None:
        session.categories.insert(change.gone, removed.place)

    change_records(session, removed.photos, difference, add_class, change.back)
    session.class_removed.emit(change.back)
