"""Small pictures of the photos of the open folder, made in a thread for the list as it is looked at."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QImage

from annotator.core.disk_thread import DiskThread

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SIZE = QSize(128, 96)
"""Within which a small picture fits: twice what is shown, for screens of a high density."""
DECODED_PIXELS = 8 * 128 * 96
"""That a photo is decoded to at most, before it is scaled; a JPEG is at once."""
CAPACITY = 600
"""Small pictures in memory: up to 30 MB."""


class Thumbnails(QObject):
    """The small pictures that were wanted lately. What is wanted now comes before what was wanted before."""

    made = Signal(object)
    """The small picture of a photo, by its name, is there."""

    _read = Signal(int, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pictures: OrderedDict[str, QImage] = OrderedDict()  # empty ones of photos that cannot be read
        self._folder: Path | None = None
        self._number = 0  # of the folder: pictures of the one before are late
        self._thread = DiskThread("thumbnails")
        self._lock = threading.Lock()  # guards what follows
        self._wanted: list[str] = []  # the next one last
        self._is_working = False
        self._read.connect(self._take)

    def use_folder(self, folder: Path | None) -> None:
        """Make pictures of the photos of this folder from now on; None: of none."""
        self._number += 1
        self._folder = folder
        self._pictures.clear()
        self._thread.finish()  # one that a disk holds up is left behind
        with self._lock:
            self._wanted, self._is_working = [], False
            self._thread = DiskThread("thumbnails")

    def forget_unreadable(self) -> None:
        """Try those again that could not be read."""
        for name in [name for name, picture in self._pictures.items() if picture.isNull()]:
            del self._pictures[name]

    def get(self, name: str) -> QImage | None:
        """Return the small picture of a photo; None while it is not there, an empty one where it cannot be made."""
        picture = self._pictures.get(name)
        if picture is not None:
            self._pictures.move_to_end(name)
        return picture

    def want(self, names: Sequence[str]) -> None:
        """Make these next, in this order, and no others."""
        folder, number = self._folder, self._number
        if folder is None:
            return
        with self._lock:
            self._wanted = [name for name in reversed(names) if name not in self._pictures]
            if self._is_working or not self._wanted:
                return
            self._is_working = True
        self._thread.submit(lambda: self._work(folder, number))

    def _work(self, folder: Path, number: int) -> None:
        while True:
            with self._lock:
                if number != self._number:
                    return
                if not self._wanted:
                    self._is_working = False
                    return
                name = self._wanted.pop()
            self._read.emit(number, name, _small_picture(folder / name))

    def _take(self, number: int, name: str, picture: QImage) -> None:
        if number == self._number:
            self._pictures[name] = picture
            while len(self._pictures) > CAPACITY:
                self._pictures.popitem(last=False)
            self.made.emit(name)


def _small_picture(path: Path) -> QImage:
    """Return a photo within SIZE, upright; an empty picture where it cannot be read."""
    from dataset.pictures.images import read_within  # noqa: PLC0415 - Pillow and numpy load in this thread

    try:
        pixels = read_within(path, DECODED_PIXELS)
    except Exception:  # noqa: BLE001 - whatever it is, the list says why once the photo is shown
        return QImage()
    height, width = pixels.shape[:2]
    picture = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    return picture.scaled(SIZE.boundedTo(picture.size()), keep, smooth).convertToFormat(QImage.Format.Format_RGB32)
