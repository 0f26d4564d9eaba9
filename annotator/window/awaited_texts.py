"""What the panels say in the place of objects and classes while there are none to show yet, or none at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataset.i18n import tr

if TYPE_CHECKING:
    from pathlib import Path

    from annotator.panels.classes import ClassesPanel
    from annotator.panels.instances import InstancesPanel
    from annotator.session.session import Session


class AwaitedTexts:
    """Names what is being opened, from the moment that it is asked for, and what could not be."""

    def __init__(self, session: Session, instances: InstancesPanel, classes: ClassesPanel) -> None:
        self._session, self._instances, self._classes = session, instances, classes
        session.listing.connect(self._show_listing)

    def show(self, text: str) -> None:
        """Show a text in both panels."""
        self._instances.set_empty_text(text)
        self._classes.set_empty_text(text)

    def folder_listed(self, folder: Path) -> None:
        """The photos of a folder are known, its annotations are not."""
        self.show(tr("Opening {name}…", name=folder.name) if len(self._session.photos) else "")

    def follow_project(self) -> None:
        """A project was opened, or there is no folder any more."""
        if self._session.project is not None or self._session.folder is None:
            self.show("")
            self.follow_photo()

    def follow_photo(self) -> None:
        """Show why a photo of an open project has no document yet, or none at all."""
        photos, name = self._session.photos, self._session.current
        if self._session.project is None:
            return
        text = ""
        if name is not None:
            is_broken = bool(photos.error(photos.index(name)))
            text = tr("{name} cannot be shown.", name=name) if is_broken else tr("Opening {name}…", name=name)
        self._instances.set_empty_text(text)

    def _show_listing(self, folder: Path | None) -> None:
        if self._session.folder is None:
            self.show(tr("Opening {name}…", name=folder.name) if folder else "")
