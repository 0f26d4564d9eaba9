"""Taking a class out of a project, with or without its objects, and putting it back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from annotator.core.class_removal import ClassRemoval
from annotator.session.record_changes import RecordChange, rewritten

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from annotator.core.annotation import Annotation
    from annotator.core.photo_state import PhotoState
    from annotator.session.record_changes import Difference, Log, RecordChanges


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


def remove_class(
    changes: RecordChanges,
    category_id: int,
    into: int | None,
    photos: Mapping[str, PhotoState],
    then: Callable[[Removed], object],
) -> None:
    """Take a class out; its objects, undone and copied ones too, move to the class `into`, or go if that is None.

    `photos` are those that its objects are in, as a `KeypointCounter` has found them. `then` is called when it is done.
    """
    session = changes.session
    categories = session.categories
    change = ClassRemoval(categories[category_id], None if into is None else categories[into])
    removed = Removed(change, categories.place(category_id), photos)

    def difference(_name: str, records: Mapping[int, Annotation]) -> Difference:
        return rewritten(records, change)

    def done(log: Log) -> None:
        removed.log = log
        session.class_removed.emit(change)
        then(removed)

    changes.start(RecordChange(photos, difference, lambda: categories.remove(category_id), change, done))


def put_back(
    changes: RecordChanges,
    removed: Removed,
    then: Callable[[], object],
    given_up: Callable[[str], object],
) -> None:
    """Put a class back, and its objects into it; one that was deleted or moved to a third class meanwhile stays so.

    `then` is called when it is done, `given_up` if it is not: with a sentence, as where there is another class of that
    name by now, or with "".
    """
    session, change = changes.session, removed.change

    def difference(name: str, records: Mapping[int, Annotation]) -> Difference:
        if change.into is None:
            return {i: before for i, (before, _) in removed.log.get(name, {}).items() if i not in records}
        return rewritten(records, change.back)

    def add_class() -> None:
        session.categories.insert(change.gone, removed.place)

    def done(_log: Log) -> None:
        session.class_removed.emit(change.back)
        then()

    changes.start(RecordChange(removed.photos, difference, add_class, change.back, done, given_up))
