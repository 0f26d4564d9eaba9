"""Decoded photos for the window and the worker: one decoding each, in a thread, the last ones kept.

The pixels are read by `dataset.images` (Pillow; no torch), so what the person sees is what the model sees.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from annotator.session.worker_thread import WorkerThread

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from dataset.images import ReducedPhoto

CACHE_BYTES = 768 * 2**20


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """A decoded photo, upright, 32 bits a pixel so that painting it converts nothing."""

    image: QImage

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.image.width(), self.image.height()

    def rgb(self) -> NDArray[np.uint8]:
        """Return a fresh (height, width, 3) uint8 array."""
        import numpy as np  # noqa: PLC0415 - not on the way to the first photo

        return np.ascontiguousarray(self._bgrx()[..., 2::-1])

    def for_model(self) -> ReducedPhoto:
        """Return what a model is given, fresh."""
        from dataset.images import ReducedPhoto, reduced  # noqa: PLC0415 - not on the way to the first photo

        return ReducedPhoto(reduced(self._bgrx())[..., 2::-1].copy(), self.size)

    def _bgrx(self) -> NDArray[np.uint8]:
        """Return the image's own memory as (height, width, 4)."""
        import numpy as np  # noqa: PLC0415 - not on the way to the first photo

        width, height = self.size
        rows = np.frombuffer(self.image.constBits(), np.uint8).reshape(height, self.image.bytesPerLine())
        return rows[:, : 4 * width].reshape(height, width, 4)


def decode(path: Path) -> DecodedImage:
    """Read one photo from disk.

    Raises:
        PhotoError: it cannot be read; the text has the reason.
    """
    from dataset.images import read_photo  # noqa: PLC0415 - Pillow and numpy load in the decoding thread

    rgb = read_photo(path)
    height, width, _ = rgb.shape
    # RGB888 borrows the array's memory; the conversion copies it.
    return DecodedImage(QImage(rgb.data, width, height, 3 * width, QImage.Format.Format_RGB888).convertToFormat(
        QImage.Format.Format_RGB32
    ))  # fmt: skip


class ImageCache:
    """The last decoded photos, up to a number of bytes. Safe to use from several threads."""

    def __init__(self, capacity: int = CACHE_BYTES) -> None:
        self._capacity = capacity
        self._photos: OrderedDict[Path, DecodedImage] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self._busy: dict[Path, threading.Lock] = {}

    def peek(self, path: Path) -> DecodedImage | None:
        """Return the photo if it is here, at no cost."""
        with self._lock:
            photo = self._photos.get(path)
            if photo:
                self._photos.move_to_end(path)
            return photo

    def get(self, path: Path) -> DecodedImage:
        """Return the photo, decoded if need be; a second thread that needs the same one waits for the first.

        Raises:
            PhotoError: it cannot be read; the text has the reason.
        """
        with self._lock:
            busy = self._busy.setdefault(path, threading.Lock())
        try:
            with busy:
                return self.peek(path) or self._add(path, decode(path))
        finally:
            with self._lock:
                self._busy.pop(path, None)

    def clear(self) -> None:
        """Forget everything: another folder is opened."""
        with self._lock:
            self._photos.clear()
            self._bytes = 0

    def _add(self, path: Path, photo: DecodedImage) -> DecodedImage:
        with self._lock:
            self._photos[path] = photo
            self._bytes += photo.image.sizeInBytes()
            while self._bytes > self._capacity and len(self._photos) > 1:
                _, oldest = self._photos.popitem(last=False)
                self._bytes -= oldest.image.sizeInBytes()
        return photo


class ImageLoader(QObject):
    """Decodes in a thread of its own: the photo asked for last, then those to be kept ready.

    Signals:
        loaded: (path, DecodedImage), only for the photo asked for last.
        failed: (path, reason), for any photo that could not be read.
        broken: (sentence) something that nobody foresaw; the thread goes on.
    """

    loaded = Signal(object, object)
    failed = Signal(object, str)
    broken = Signal(str)

    def __init__(self, cache: ImageCache, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cache = cache
        self._wanted: Path | None = None
        self._upcoming: list[Path] = []
        self._wake = threading.Condition()
        self._closing = False
        self._thread = WorkerThread(self._work, "photo loader")
        self._thread.failed.connect(self.broken)
        self._thread.start()

    def show(self, path: Path, upcoming: list[Path]) -> None:
        """Decode `path` now, then those that are likely next. What was asked for before is dropped."""
        with self._wake:
            self._wanted, self._upcoming = path, list(upcoming)
            self._wake.notify()

    def prefetch(self, upcoming: list[Path]) -> None:
        """Decode other ones next, after what is being decoded."""
        with self._wake:
            self._upcoming = list(upcoming)
            self._wake.notify()

    def close(self) -> None:
        """Stop the thread after the photo it is at."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.wait()

    def _work(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._closing or self._wanted or self._upcoming)
                if self._closing:
                    return
                wanted, self._wanted = self._wanted, None
                path = wanted or self._upcoming.pop(0)
            try:
                photo = self._cache.get(path)
            except Exception as error:  # noqa: BLE001 - a decoder's surprise must not end the thread
                self.failed.emit(path, str(error) or type(error).__name__)
            else:
                if wanted:
                    self.loaded.emit(path, photo)
