"""An open project: its folder, the annotations and the models of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from annotator.core.store.known_photos import known_photos
from annotator.core.store.store import Store
from annotator.core.training_runs import TrainingRuns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from annotator.core.image_list import KnownPhotos
    from annotator.core.store.autosave import SaveNotice


@dataclass(frozen=True, slots=True)
class Project:
    """What is open, from `open` until `store.close()`."""

    folder: Path
    """The folder of photos."""
    store: Store
    """The annotations."""
    runs: TrainingRuns
    """The models of its own, and the round of fine-tuning under way."""
    known: KnownPhotos
    """What was on record for its photos when it was opened."""

    @classmethod
    def open(
        cls,
        folder: Path,
        file: Path | None = None,
        *,
        fallback: Path,
        names: Sequence[str] | None = None,
        notify: Callable[[SaveNotice], object] | None = None,
    ) -> Project:
        """Open a project; arguments and errors as for `Store.open`. Slow: for a thread of its own."""
        store = Store.open(folder, file, fallback=fallback, names=names, notify=notify)
        try:
            if file:
                store.remember_file()
            runs = TrainingRuns(store.private_folder)
            runs.remove_leftovers()
            return cls(folder, store, runs, known_photos(store))
        except BaseException:
            store.close()
            raise
