"""The offer to import what another tool has annotated in the open folder: one message, one click."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from dataset.formats.recognition import find_annotations
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from annotator.core.project import Project
    from annotator.panels.banner import Banner
    from annotator.session.session import Session
    from annotator.settings import Settings
    from annotator.window.import_export import Importer
    from dataset.formats.recognition import FoundAnnotations

OFFER = "import_offer"  # the topic of the message
DECLINED = "import_declined"  # settings key, of each folder
MAX_CHOICES = 3
"""Formats that have a button; others are in the menu."""


class ImportOffer(QObject):
    """Looks for such annotations in the disk's thread when a folder is opened that has none of its own.

    What a person declined in a folder is not offered there again.
    """

    _found = Signal(object, object)

    def __init__(self, session: Session, importer: Importer, banner: Banner, settings: Settings) -> None:
        super().__init__(importer)
        self._session, self._importer, self._banner, self._settings = session, importer, banner, settings
        session.project_changed.connect(self._look)
        self._found.connect(self._offer)

    def _look(self, project: Project | None) -> None:
        self._banner.retract(OFFER)
        if project is None or self._settings.of_folder(DECLINED, project.folder):
            return
        if any(project.store.count(name) for name in self._session.photos.names):
            return

        def look() -> None:
            own = (project.folder / "annotations.json", project.store.file)
            found = find_annotations(project.folder, own, lambda: self._session.project is not project)
            self._found.emit(project, found)

        self._session.on_disk(look)

    def _offer(self, project: Project, found: Sequence[FoundAnnotations]) -> None:
        if project is not self._session.project or not found:
            return
        folder = project.folder
        decline = partial(self._settings.set_of_folder, DECLINED, folder, "1")
        if len(found) == 1:
            text = _sentence(found[0], folder)
            actions = [(tr("Import"), partial(self._importer.import_found, found[0]))]
        else:
            text = tr("Annotations of other tools are here. Import which?")
            shown = found[:MAX_CHOICES]
            actions = [(tr(each.format.title), partial(self._importer.import_found, each)) for each in shown]
        actions.append((tr("Don’t import"), decline))
        self._banner.show_message(text, "info", actions, topic=OFFER, is_offer=True, on_close=decline)


def _sentence(found: FoundAnnotations, folder: Path) -> str:
    names, title = found.names(folder), tr(found.format.title)
    if names:
        return tr("Annotations of another tool are here: {names} ({format}).", names=names, format=title)
    return tr("Annotations of another tool are here ({format}).", format=title)
