"""Listing the open folder once more: what has come into it since, and what is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from annotator.core.document import Status
from annotator.session import messages
from annotator.session.photo_facts import show_stored
from dataset import folder as folders
from dataset.i18n import plural, tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from annotator.session.session import Session


class FolderRefresh(QObject):
    """Lists the folder again in its disk's thread. What is open, selected or can be undone stays as it is."""

    refreshed = Signal()
    """The photos are listed anew, in the order of their names."""
    _listed = Signal(object, object, object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._listed.connect(self._take)

    def start(self) -> None:
        """List the open folder; without a project that could go on, open it anew."""
        session = self._session
        folder = session.folder
        if folder is None:
            return
        if session.store is None:
            session.open(folder, session.file)
            return

        def work() -> None:
            try:
                names = folders.list_images(folder, cancelled=lambda: session.folder != folder)
            except folders.FolderError as error:
                self._listed.emit(folder, [], error)
            else:
                self._listed.emit(folder, names, None)

        session.on_disk(work)

    def _take(self, folder: Path, names: list[str], error: folders.FolderError | None) -> None:
        session, photos = self._session, self._session.photos
        store = session.store
        if session.folder != folder or store is None:
            return
        if error is not None:
            session.message.emit(str(error), "error", messages.FOLDER)
            return
        there = set(names)
        new = [name for name in names if name not in photos]
        gone = [name for name in photos.names if name not in there]
        again = {n: store.status(n) for n in there - set(new) if photos.status(photos.index(n)) is Status.UNREADABLE}
        store.set_names(names)
        text = tr("It is not in the folder any more.")
        photos.relist(_merged(photos.by_name, names), again, dict.fromkeys(gone, text))
        for name in new:
            if store.status(name) is not Status.NEW:  # the file was made when it was there
                show_stored(photos, store, name)
        self.refreshed.emit()
        if session.current in again:
            session.read_again()
        session.message.emit(_found(len(new), len(gone)), "info", messages.FOLDER)


def _merged(before: Sequence[str], now: Iterable[str]) -> list[str]:
    """Return the photos that are there now in their order, and after the one before it each that is gone."""
    there = set(now)
    following: dict[str | None, list[str]] = {}
    last: str | None = None
    for name in before:
        if name in there:
            last = name
        else:
            following.setdefault(last, []).append(name)
    merged = following.get(None, [])
    for name in now:
        merged += [name, *following.get(name, ())]
    return merged


def _found(new: int, gone: int) -> str:
    texts = [plural("{n:,} new photo.", "{n:,} new photos.", new)] if new else []
    texts += (
        [plural("{n:,} photo is not there any more.", "{n:,} photos are not there any more.", gone)] if gone else []
    )
    return " ".join(texts) or tr("There is nothing new in the folder.")
