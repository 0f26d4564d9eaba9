"""What the model's thread answers for: a folder, and where its answers are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from annotator.core.annotation import Annotation


class PoolStore(Protocol):
    """Where earlier answers are kept, such as `SuggestionPools`. Called in the worker thread."""

    def get(self, name: str, model: str) -> tuple[Annotation, ...] | None:
        """Return the pool of a photo, or None."""

    def scores(self, name: str, model: str) -> tuple[tuple[float, int], ...] | None:
        """Return the scores of a photo's pool, each with its class, or None."""

    def names(self, model: str) -> set[str]:
        """Return the photos that have a pool."""

    def put(self, name: str, model: str, suggestions: tuple[Annotation, ...]) -> None:
        """Keep a pool."""


@dataclass(frozen=True, slots=True)
class AnswerSource:
    """The folder that names are relative to, and where its answers are kept."""

    folder: Path
    pools: PoolStore
    photos: int = 0
    """How many there are."""
