"""Decoded photos, the last ones kept, each read in a thread of its own: a disk that does not answer holds up no other.

A read that a system does not finish cannot be ended. Its thread is left behind, and whoever waits for it is told.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from annotator.session.decoded_image import DecodedImage, decode
from dataset.i18n import tr
from dataset.messages import UserError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CACHE_BYTES = 768 * 2**20
LATE_SECONDS = 15.0
"""After which a photo is taken for one that cannot be read, until it is."""
MAX_LATE = 8
"""Readings that are late, with which no further one begins: the disk answers none."""
POLL_SECONDS = 0.05


class LateError(UserError):
    """A photo has not been read yet; the text is one sentence that says so."""


@dataclass(frozen=True)
class _Reading:
    """One photo on its way."""

    photo: Future[DecodedImage] = field(default_factory=Future)
    begun: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """How long it takes so far."""
        return time.monotonic() - self.begun


class ImageCache:
    """The last decoded photos, up to a number of bytes. Safe to use from several threads."""

    def __init__(self, capacity: int = CACHE_BYTES) -> None:
        self._capacity = capacity
        self._photos: OrderedDict[Path, DecodedImage] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self._readings: dict[Path, _Reading] = {}

    def peek(self, path: Path) -> DecodedImage | None:
        """Return the photo if it is here, at no cost."""
        with self._lock:
            photo = self._photos.get(path)
            if photo:
                self._photos.move_to_end(path)
            return photo

    def get(
        self, path: Path, given_up: Callable[[float], bool] = lambda _seconds: False, *, keep: bool = True
    ) -> DecodedImage | None:
        """Return the photo, decoded if need be; a second thread that needs the same one waits for the first.

        Args:
            path: The file.
            given_up: Called now and then with the seconds that it takes so far; once it returns true, None is returned,
                and the reading goes on.
            keep: Whether it is kept here.

        Raises:
            PhotoError: it cannot be read; the text has the reason.
            LateError: it has been read for LATE_SECONDS. `when_read` has it once it is there.
        """
        photo = self.peek(path)
        if photo:
            return photo
        reading = self._begin(path, keep=keep)
        while not wait([reading.photo], POLL_SECONDS).done:
            if given_up(reading.seconds):
                return None
            if reading.seconds > LATE_SECONDS:
                raise LateError(_late())
        return reading.photo.result()

    def when_read(self, path: Path, use: Callable[[DecodedImage], object], *, keep: bool = True) -> None:
        """Call `use` with the photo, in the thread that reads it, once it has been read; never where it cannot be."""
        photo = self.peek(path)
        if photo:
            use(photo)
            return

        def finished(future: Future[DecodedImage]) -> None:
            if future.exception() is None:
                use(future.result())

        self._begin(path, keep=keep).photo.add_done_callback(finished)

    def clear(self) -> None:
        """Forget everything: another folder is opened."""
        with self._lock:
            self._photos.clear()
            self._bytes = 0

    def close(self, seconds: float | None = None) -> bool:
        """Wait for what is being read, at most so long, and return whether it has ended."""
        with self._lock:
            futures = [reading.photo for reading in self._readings.values()]
        return not wait(futures, seconds).not_done

    def _begin(self, path: Path, *, keep: bool) -> _Reading:
        with self._lock:
            reading = self._readings.get(path)
            if path in self._photos:  # it came between the look at what is here and this one
                reading = _Reading()
                reading.photo.set_result(self._photos[path])
            elif reading is None:
                if sum(other.seconds > LATE_SECONDS for other in self._readings.values()) >= MAX_LATE:
                    raise LateError(_late())
                reading = self._readings[path] = _Reading()
                arguments = (path, reading, keep)
                threading.Thread(target=self._read, args=arguments, name="photo_reader", daemon=True).start()
            return reading

    def _read(self, path: Path, reading: _Reading, keep: bool) -> None:  # noqa: FBT001 - by a thread
        photo, problem = None, None
        try:
            photo = decode(path)
        except BaseException as error:  # noqa: BLE001 - whoever waits has to know
            problem = error
        with self._lock:
            del self._readings[path]
            if photo and keep:
                self._add(path, photo)
        if photo:
            reading.photo.set_result(photo)
        else:
            reading.photo.set_exception(problem)

    def _add(self, path: Path, photo: DecodedImage) -> None:
        self._photos[path] = photo
        self._bytes += photo.image.sizeInBytes()
        while self._bytes > self._capacity and len(self._photos) > 1:
            _, oldest = self._photos.popitem(last=False)
            self._bytes -= oldest.image.sizeInBytes()


def _late() -> str:
    return tr(
        "It is still being read after {n:.0f} s: its disk may not answer. It is shown once it does.", n=LATE_SECONDS
    )
