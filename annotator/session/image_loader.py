"""Reads the photo that is to be shown, then those that are likely next."""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from annotator.session.image_cache import ImageCache, LateError
from annotator.session.worker_thread import WorkerThread

if TYPE_CHECKING:
    from pathlib import Path

    from annotator.session.decoded_image import DecodedImage

PATIENCE_SECONDS = 2.0
"""How long a photo waits for the one before it, so that seldom two are decoded at a time."""


class ImageLoader(QObject):
    """Decodes in a thread of its own: the photo asked for last, then those to be kept ready.

    Signals:
        loaded: (path, DecodedImage), for the photo asked for last, and for one that was late.
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

    def stop(self) -> None:
        """Stop the thread, whatever the photo it waits for. Does not wait for it."""
        with self._wake:
            self._closing = True
            self._wake.notify()

    def close(self, seconds: float | None = None) -> bool:
        """Stop, wait for the thread (at most so long), and return whether it has ended."""
        self.stop()
        return self._thread.end(seconds)

    def _work(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._closing or self._wanted or self._upcoming)
                if self._closing:
                    return
                wanted, self._wanted = self._wanted, None
                path = wanted or self._upcoming.pop(0)
            try:
                photo = self._cache.get(path, self._given_up, ahead=not wanted)
            except LateError as error:
                self.failed.emit(path, str(error))
                with suppress(LateError):  # of too many, none is asked for again
                    self._cache.when_read(path, partial(self._late, path))
            except Exception as error:  # noqa: BLE001 - a decoder's surprise must not end the thread
                self.failed.emit(path, str(error) or type(error).__name__)
            else:
                if wanted and photo:
                    self.loaded.emit(path, photo)

    def _given_up(self, seconds: float) -> bool:
        """Whether another photo is not to wait any longer for one that has been read for so many seconds."""
        return self._closing or (self._wanted is not None and seconds > PATIENCE_SECONDS)

    def _late(self, path: Path, photo: DecodedImage) -> None:
        if not self._closing:
            self.loaded.emit(path, photo)
