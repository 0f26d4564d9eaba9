"""What is on record for photos at one moment, for threads that read many of them while work goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from annotator.core.photo_state import Mark, PhotoState
from annotator.core.store.journal import JournalRow
from annotator.core.store.packing import pack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from annotator.core.store.recovery import OpenedProject


def read_photo(project: OpenedProject, name: str) -> PhotoState:
    """Return what the COCO file and the journal had of a photo when the project was opened. From any thread."""
    row = project.journal_rows.get(name) or JournalRow((0, 0), None, pack(()), Mark.NONE)
    try:
        state = row.state()
    except ValueError:  # damaged: the suggestions are shown again
        state = PhotoState(row.size, mark=row.mark)
    return replace(state, annotations=project.file.annotations(name), notes=project.file.notes(name))


class RecordedPhotos:
    """The photos of a project as they are on record now; from any thread. Methods as those of `Store`."""

    def __init__(self, project: OpenedProject, states: Mapping[str, PhotoState]) -> None:
        """What is on record are these `states`, and what the file and the journal had of the other photos."""
        self._project, self._states = project, states
        self.names: Sequence[str] = project.names
        """The photos."""

    def load(self, name: str) -> PhotoState:
        """Return what is on record for a photo; its size is (0, 0) where it was never worked on."""
        return self._states.get(name) or read_photo(self._project, name)

    def hides(self, name: str) -> bool:
        """Return whether the file has annotations of a photo of which nothing can be shown."""
        return self._project.file.hides(name)

    def size_in_file(self, name: str) -> tuple[int, int] | None:
        """Return the (width, height) that the COCO file gives for a photo."""
        return self._project.file.size(name)

    def count(self, name: str) -> int:
        """Return how many annotations a photo has."""
        state = self._states.get(name)
        return self._project.file.count(name) if state is None else len(state.annotations)

    def photo_fields(self, name: str) -> dict[str, Any]:
        """Return the fields of a photo's entry that the COCO file has beside those of known meaning."""
        return self._project.file.fields(name)

    def file_fields(self) -> dict[str, Any]:
        """Return the fields of the COCO file as a whole, such as `info`."""
        return self._project.file.own_fields()

    def is_done(self, name: str) -> bool:
        """Return whether the photo has the done mark."""
        known = self._states.get(name) or self._project.journal_rows.get(name)
        return known is not None and known.mark is Mark.DONE
