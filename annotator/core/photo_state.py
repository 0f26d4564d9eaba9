"""What is on record for one photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from annotator.core.annotation import Annotation


@dataclass(frozen=True, slots=True)
class PhotoState:
    """What is known of a photo. Never changed in place."""

    size: tuple[int, int]
    """(width, height) of the upright photo, (0, 0) while unknown."""
    annotations: tuple[Annotation, ...] = ()
    """What is on record."""
    reviewed: tuple[Annotation, ...] = ()
    """Suggestions that were accepted or rejected: they are not shown again."""
    done: bool = False
    """The done mark: everything there is to annotate is on record."""

    @property
    def category_ids(self) -> frozenset[int]:
        """The classes of the annotations."""
        return frozenset(annotation.category_id for annotation in self.annotations)
