"""What is on record for one photo."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from annotator.core.annotation import Annotation


class Mark(IntEnum):
    """What the person has decided about a photo as a whole. The numbers are those of the journal."""

    NONE = 0
    DONE = 1
    """Everything there is to annotate is on record."""
    SKIPPED = 2
    """Nothing is to be annotated, and nothing learned from it: what it shows is not on record."""


@dataclass(frozen=True, slots=True)
class PhotoNotes:
    """What a person has noted about a photo as a whole: fields of its entry in the COCO file."""

    tags: tuple[str, ...] = ()
    """In the order they were given, each once."""
    note: str = ""
    """A text."""


NO_NOTES = PhotoNotes()


@dataclass(frozen=True, slots=True)
class PhotoState:
    """What is known of a photo. Never changed in place."""

    size: tuple[int, int]
    """(width, height) of the upright photo, (0, 0) while unknown."""
    annotations: tuple[Annotation, ...] = ()
    """What is on record."""
    reviewed: tuple[Annotation, ...] = ()
    """Suggestions that were accepted or rejected: they are not shown again."""
    mark: Mark = Mark.NONE
    """What was decided about it."""
    notes: PhotoNotes | None = None
    """Its tags and note; None where nothing was ever noted."""

    @property
    def done(self) -> bool:
        """Whether everything there is to annotate is on record."""
        return self.mark is Mark.DONE

    @property
    def category_ids(self) -> frozenset[int]:
        """The classes of the annotations."""
        return frozenset(annotation.category_id for annotation in self.annotations)


class NewState(NamedTuple):
    """What is to be on record for a photo."""

    name: str
    state: PhotoState
    into_file: bool
    """Whether the COCO file is to have it, too: the journal alone has reviewed suggestions and marks."""
    gained: Mapping[int, int]
    """How many annotations each class gains by it, by its id."""


class NewStates:
    """What is to be on record for photos, gathered so that 20,000 of them are put there in a moment."""

    def __init__(self, new: Iterable[NewState] = ()) -> None:
        self.by_name: dict[str, PhotoState] = {}
        self.into_file: dict[str, PhotoState] = {}
        """Those that the COCO file is to have, too."""
        self.gained: Counter[int] = Counter()
        """How many annotations each class gains by all of it, by its id."""
        self._gained: dict[str, Mapping[int, int]] = {}
        for photo in new:
            self.add(photo)

    def add(self, new: NewState) -> None:
        """Have this photo, too, in the place of what was to become of it before."""
        self.discard(new.name)
        self.by_name[new.name] = new.state
        if new.into_file:
            self.into_file[new.name] = new.state
        self._gained[new.name] = new.gained
        self.gained.update(new.gained)

    def discard(self, name: str) -> None:
        """Have a photo no more."""
        self.by_name.pop(name, None)
        self.into_file.pop(name, None)
        self.gained.subtract(self._gained.pop(name, {}))
