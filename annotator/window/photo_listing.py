"""Going through the photo list: its actions, and what is listed of each folder the next time it is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.core import image_filter
from annotator.core.image_filter import EVERYTHING
from annotator.session.folder_refresh import FolderRefresh
from annotator.session.messages import PHOTO
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QDockWidget

    from annotator.core.project import Project
    from annotator.panels.photos import PhotosPanel
    from annotator.session.session import Session
    from annotator.settings import Settings


class PhotoListing:
    """Keeps the photo list's filter in step with the folder's settings."""

    def __init__(self, session: Session, panel: PhotosPanel, dock: QDockWidget, settings: Settings) -> None:
        self._session, self._panel, self._dock, self._settings = session, panel, dock, settings
        self._refresh = FolderRefresh(session, panel)
        session.opened.connect(lambda _folder: panel.set_filter(EVERYTHING))
        session.project_changed.connect(self._restore)
        session.photos.filtered.connect(self._remember)

    def handlers(self) -> dict[str, Callable[..., object]]:
        """Return the handlers of the actions."""
        session = self._session
        return {
            "image.next": lambda: session.go(1),
            "image.previous": lambda: session.go(-1),
            "image.next_not_done": session.go_next_not_done,
            "image.next_labelled": lambda: self._go_labelled(1),
            "image.previous_labelled": lambda: self._go_labelled(-1),
            "image.find": self._find,
            "file.refresh": self._refresh.start,
        }

    def _go_labelled(self, step: int) -> None:
        """Go to the next (1) or previous (-1) listed photo with an object on record."""
        photos, current = self._session.photos, self._session.current
        others = photos.following(current, step) if current is not None else ()
        name = next((name for name in others if photos.count(photos.index(name))), None)
        if name is not None:
            self._session.go_to(name)
        elif current is not None:
            self._session.message.emit(tr("No further photo of the list has an object."), "info", PHOTO)

    def _find(self) -> None:
        self._dock.show()
        self._panel.focus_filter()

    def _restore(self, project: Project | None) -> None:
        """List what was listed of the folder the last time, unless another filter was chosen meanwhile."""
        if project is not None and self._session.photos.filter == EVERYTHING:
            text = self._settings.photo_filter(project.folder)
            self._panel.set_filter(image_filter.from_json(text, self._session.categories))

    def _remember(self) -> None:
        folder, project = self._session.folder, self._session.project
        if folder is not None and project is not None:  # without its classes, what is remembered of them would be lost
            text = image_filter.to_json(self._session.photos.filter, self._session.categories)
            self._settings.set_photo_filter(folder, text)
