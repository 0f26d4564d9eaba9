"""Hiding and locking objects, each by itself: by actions, and by the eye and the lock in the Instances panel."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from annotator.panels.instances import InstancesPanel
    from annotator.session.session import Session


class ObjectMarkActions:
    """Sets which objects of the photo are hidden and locked. The session keeps that until the folder is left."""

    def __init__(self, session: Session, panel: InstancesPanel) -> None:
        self._session = session
        panel.hide_toggled.connect(lambda annotation_id: self._toggle_hidden((annotation_id,)))
        panel.lock_toggled.connect(lambda annotation_id: self._toggle_locked((annotation_id,)))

    def handlers(self) -> dict[str, Callable[..., object]]:
        """Return the handlers of the actions."""
        return {"object.hide": self._hide, "object.lock": self._lock}

    def _hide(self, _on: bool = False) -> None:  # noqa: FBT001, FBT002 - a signal's argument
        """Hide what is selected; without a selection, show all that is hidden."""
        document = self._session.document
        if document is not None:
            self._toggle_hidden(document.selection or document.marks.hidden)

    def _lock(self, _on: bool = False) -> None:  # noqa: FBT001, FBT002 - a signal's argument
        """Lock what is selected; without a selection, unlock all that is locked."""
        document = self._session.document
        if document is not None:
            self._toggle_locked([i for i in document.selection if i > 0] or document.marks.locked)

    def _toggle_hidden(self, ids: Iterable[int]) -> None:
        document = self._session.document
        if document is not None:
            hidden = document.marks.hidden.symmetric_difference(ids)
            document.marks = replace(document.marks, hidden=hidden)

    def _toggle_locked(self, ids: Iterable[int]) -> None:
        document = self._session.document
        if document is not None:
            locked = document.marks.locked.symmetric_difference(ids)
            document.marks = replace(document.marks, locked=locked)
