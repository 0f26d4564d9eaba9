"""Going through the photo list: its actions, and what is listed of each folder, and in which order, the next time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from annotator.core import image_filter
from annotator.core.image_filter import EVERYTHING
from annotator.core.image_order import ImageOrder, names_in_order
from annotator.core.photo_state import Mark
from annotator.session.folder_refresh import FolderRefresh
from annotator.session.messages import PHOTO
from annotator.session.thumbnails import Thumbnails
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from PySide6.QtWidgets import QDockWidget

    from annotator.core.project import Project
    from annotator.panels.photos import PhotosPanel
    from annotator.session.session import Session
    from annotator.settings import Settings
    from annotator.suggestions.inference_worker import InferenceWorker
    from annotator.window.actions import Actions
    from annotator.window.commands.selection_commands import SelectionCommands

FILTER, ORDER = "photo_filter", "photo_order"  # settings of a folder
PICTURES = "photo_pictures"  # a flag
SETTLED_MS = 300
"""Without news of scores after which photos are put in their order anew."""


class PhotoListing(QObject):
    """Keeps the photo list's filter and order in step with the folder's settings."""

    _timed = Signal(object, object)

    def __init__(
        self,
        session: Session,
        commands: SelectionCommands,
        settings: Settings,
        suggester: InferenceWorker,
        *,
        panel: PhotosPanel,
        dock: QDockWidget,
    ) -> None:
        super().__init__(panel)
        self._session, self._panel, self._dock, self._settings = session, panel, dock, settings
        self._commands = commands
        self._order = ImageOrder.NAME
        self._refresh = FolderRefresh(session, self)
        self._refresh.refreshed.connect(self._arrange)
        self._later = QTimer(self, singleShot=True, interval=SETTLED_MS)
        self._later.timeout.connect(self._follow_scores)
        suggester.cached_scores.connect(lambda *_: self._later.start())
        suggester.progress.connect(lambda progress: None if progress else self._later.start())
        session.opened.connect(lambda _folder: self._begin())
        session.project_changed.connect(self._restore)
        session.photos.filtered.connect(self._remember_filter)
        panel.photo_chosen.connect(session.go_to)
        panel.order_chosen.connect(self._choose_order)
        self._timed.connect(self._take_times)
        self._thumbnails = Thumbnails(self)
        self._follow_pictures()

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
            "image.done_next": self._commands.done_next,
            "image.done": self._commands.toggle_done,
            "image.skip": self._commands.skip_next,
            "file.refresh": self._refresh.start,
        }

    def follow(self, actions: Actions) -> None:
        """Show in the actions, from now on, what is decided about the current photo."""
        marks = {"image.done": Mark.DONE, "image.skip": Mark.SKIPPED}

        def update() -> None:
            document = self._session.document
            for name, mark in marks.items():
                actions[name].setChecked(bool(document and document.mark is mark))

        for name in marks:
            actions[name].triggered.connect(update)  # Qt has checked it, be there nothing to mark

        self._session.edited.connect(update)
        self._session.document_changed.connect(lambda _document: update())

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

    def _follow_pictures(self) -> None:
        session, panel, thumbnails = self._session, self._panel, self._thumbnails
        session.opened.connect(thumbnails.use_folder)
        session.project_changed.connect(lambda _project: None if session.folder else thumbnails.use_folder(None))
        self._refresh.refreshed.connect(thumbnails.forget_unreadable)
        thumbnails.made.connect(panel.update_picture)
        panel.picture_of = thumbnails.get
        panel.pictures_wanted.connect(thumbnails.want)
        panel.pictures_chosen.connect(self._choose_pictures)
        panel.show_pictures(on=self._settings.flag(PICTURES, default=False))

    def _choose_pictures(self, on: bool) -> None:  # noqa: FBT001 - a signal's argument
        self._settings.set_flag(PICTURES, value=on)
        self._panel.show_pictures(on=on)

    # Of the folder

    def _begin(self) -> None:
        self._panel.set_filter(EVERYTHING)
        self._order = ImageOrder.NAME
        self._panel.set_order(self._order)

    def _restore(self, project: Project | None) -> None:
        """List what was listed of the folder the last time, unless another filter was chosen meanwhile."""
        if project is None:
            return
        if self._session.photos.filter == EVERYTHING:
            text = self._settings.of_folder(FILTER, project.folder)
            self._panel.set_filter(image_filter.from_json(text, self._session.categories))
        order = self._settings.of_folder(ORDER, project.folder)
        self._order = next((each for each in ImageOrder if each == order), self._order)
        self._panel.set_order(self._order)
        self._arrange()

    def _remember_filter(self) -> None:
        folder, project = self._session.folder, self._session.project
        if folder is not None and project is not None:  # without its classes, what is remembered of them would be lost
            text = image_filter.to_json(self._session.photos.filter, self._session.categories)
            self._settings.set_of_folder(FILTER, folder, text)

    # The order

    def _choose_order(self, order: ImageOrder) -> None:
        self._order = order
        self._panel.set_order(order)
        if self._session.folder is not None:
            text = "" if order is ImageOrder.NAME else order.value
            self._settings.set_of_folder(ORDER, self._session.folder, text)
        self._arrange()

    def _arrange(self) -> None:
        """Put the photos in their order; their files are asked for their times in the disk's thread."""
        session, folder = self._session, self._session.folder
        if self._order is not ImageOrder.NEWEST:
            session.photos.arrange(names_in_order(session.photos, self._order))
        elif folder is not None:
            names = tuple(session.photos.by_name)
            session.on_disk(lambda: self._timed.emit(folder, _times(folder, names, lambda: session.folder != folder)))

    def _take_times(self, folder: Path, times: Mapping[str, float]) -> None:
        if self._session.folder == folder and self._order is ImageOrder.NEWEST:
            self._session.photos.arrange(names_in_order(self._session.photos, self._order, times))

    def _follow_scores(self) -> None:
        if self._order is ImageOrder.UNSURE:
            self._arrange()


def _times(folder: Path, names: tuple[str, ...], cancelled: Callable[[], bool]) -> dict[str, float]:
    """Return when files were changed, in seconds, those that are there."""
    times: dict[str, float] = {}
    for name in names:
        if cancelled():
            break
        try:
            times[name] = (folder / name).stat().st_mtime
        except OSError:
            continue
    return times
