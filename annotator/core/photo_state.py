"""What is on record for one photo."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
