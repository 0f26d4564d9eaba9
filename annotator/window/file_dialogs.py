"""Opening and saving: dialogs, recent folders, what is dropped on the window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QWidget

from annotator.core.disk_thread import answered
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PySide6.QtCore import QUrl

    from annotator.session.session import Session
    from annotator.settings import Settings


def is_asking() -> bool:
    """Return whether a dialog or a menu is open, and what it does is about what was open when it was made."""
    return QApplication.activeModalWidget() is not None or QApplication.activePopupWidget() is not None


class FileDialogs:
    """The dialogs for folders and files, which the session then opens."""

    def __init__(self, session: Session, settings: Settings, window: QWidget) -> None:
        self._session = session
        self._settings = settings
        self._window = window
        self.recent = QMenu(tr("Open &recent"), window)
        """The menu of recent folders."""
        self.recent.aboutToShow.connect(self._fill_recent)

    def choose_folder(self) -> None:
        """Ask for a folder of photos and open it."""
        start = dialog_start(self._session.folder or Path.home())
        folder = QFileDialog.getExistingDirectory(self._window, tr("Open a folder of photos"), start)
        if folder:
            self._session.open(Path(folder))

    def choose_annotations(self) -> None:
        """Ask for a COCO file and the folder of its photos, and open both."""
        start = dialog_start(self._session.folder or Path.home())
        file, _ = QFileDialog.getOpenFileName(self._window, tr("Open COCO annotations"), start, _coco_files())
        if not file:
            return
        folder = QFileDialog.getExistingDirectory(
            self._window, tr("The folder with its photos"), str(Path(file).parent)
        )
        if folder:
            self._session.open(Path(folder), Path(file))

    def choose_save_as(self) -> None:
        """Ask for a file and write the annotations to it."""
        store = self._session.store
        if store is None:
            return
        start = dialog_start(store.file.parent, store.file.name)
        file, _ = QFileDialog.getSaveFileName(self._window, tr("Save annotations as"), start, _coco_files())
        if file and self._session.store is store:  # a dialog of the system holds up no other folder that arrives
            self._session.save_as(Path(file))

    def can_open(self, urls: Iterable[QUrl]) -> bool:
        """Return whether one of these is a folder, or a file in one."""
        return any(_folder_of(url) for url in urls)

    def open(self, urls: Iterable[QUrl]) -> bool:
        """Open the first of these that is a folder, or a file in one; a COCO file goes with its folder."""
        for url in urls:
            folder = _folder_of(url)
            if folder:
                path = Path(url.toLocalFile())
                self._session.open(folder, path if path.suffix.lower() == ".json" else None)
                return True
        return False

    def _fill_recent(self) -> None:
        self.recent.clear()
        for path in self._settings.recent:
            self.recent.addAction(str(path)).triggered.connect(lambda _on=False, p=path: self._session.open(p))
        self.recent.setDisabled(self.recent.isEmpty())


def _coco_files() -> str:
    return tr("COCO annotations (*.json)")


def _folder_of(url: QUrl) -> Path | None:
    path = Path(url.toLocalFile()) if url.isLocalFile() else None
    if path is None:
        return None
    return answered(lambda: path if path.is_dir() else path.parent if path.is_file() else None)


def dialog_start(folder: Path, name: str = "") -> str:
    """Return where a dialog begins: in this folder, or at home while its disk does not answer.

    `name` is that of a file to be made there.
    """
    there = answered(folder.exists) is not None
    return str((folder if there else Path.home()) / name)
