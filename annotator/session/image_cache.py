"""Decoded photos, the last ones kept, each read in a thread of its own: a disk that does not answer holds up no other.

A read that a system does not finish cannot be ended. Its thread is left behind, and whoever waits for it is told.

Of large photos one is kept, the one shown last; none is read ahead, and they are decoded one after the other.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from annotator.session.decoded_image import DecodedImage, decode, size_of
from dataset.i18n import tr
from dataset.messages import UserError
from dataset.pictures.parts import DEFAULT_PARTS, PartChoice

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CACHE_BYTES = 768 * 2**20
LARGE_PIXELS = 60_000_000
"""A photo of more pixels is large: 240 MB of CACHE_BYTES, in which the shown one and those after it are to fit."""
LATE_SECONDS = 15.0
"""After which a photo is taken for one that cannot be read, until it is."""
PIXELS_A_SECOND = 5_000_000
"""For each so many pixels a photo may take a second longer: its header has been read, so the disk answers."""
MAX_LATE = 8
"""Readings that are late, with which no further one begins: the disk answers none."""
POLL_SECONDS = 0.05


class LateError(UserError):
    """A photo has not been read yet; the text is one sentence that says so."""


class _TooLargeError(Exception):
    """A photo is not read ahead."""


@dataclass(eq=False)
class _Reading:
    """One photo on its way."""

    ahead: bool = False  # whether it is given up where the photo is large
    photo: Future[DecodedImage] = field(default_factory=Future)
    begun: float = field(default_factory=time.monotonic)
    pixels: int = 0  # as far as they are known

    @property
    def seconds(self) -> float:
        """How long it takes so far."""
        return time.monotonic() - self.begun

    @property
    def is_late(self) -> bool:
        """Whether it takes longer than it should."""
        return self.seconds > LATE_SECONDS + self.pixels / PIXELS_A_SECOND


class ImageCache:
    """The last decoded photos, up to a number of bytes. Safe to use from several threads."""

    def __init__(self, capacity: int = CACHE_BYTES) -> None:
        self._capacity = capacity
        self._photos: OrderedDict[Path, DecodedImage] = OrderedDict()
        self._bytes = 0
        self._large: tuple[Path, DecodedImage] | None = None
        self._decoding_large = threading.Lock()
        self._lock = threading.Lock()
        self._readings: dict[tuple[Path, PartChoice], _Reading] = {}
        self._forgotten: list[_Reading] = []  # on their way still, and not to be kept

    def peek(self, path: Path) -> DecodedImage | None:
        """Return the photo if it is here, at no cost."""
        with self._lock:
            return self._here(path)

    def get(
        self,
        path: Path,
        given_up: Callable[[float], bool] = lambda _seconds: False,
        *,
        keep: bool = True,
        ahead: bool = False,
    ) -> DecodedImage | None:
        """Return the photo, decoded if need be; a second thread that needs the same one waits for the first.

        Args:
            path: The file.
            given_up: Called now and then with the seconds that it takes so far; once it returns true, None is returned,
                and the reading goes on.
            keep: Whether it is kept here.
            ahead: Whether nobody needs it yet: None is returned for a large one that is not here.

        Raises:
            PhotoError: it cannot be read; the text has the reason.
            LateError: it has been read for LATE_SECONDS. `when_read` has it once it is there.
        """
        photo = self.peek(path)
        while photo is None:
            reading = self._begin(path, keep=keep, ahead=ahead)
            while not wait([reading.photo], POLL_SECONDS).done:
                if given_up(reading.seconds):
                    return None
                if reading.is_late:
                    raise LateError(_late(reading.seconds))
            try:
                photo = reading.photo.result()
            except _TooLargeError:  # it had been begun by who reads ahead
                if ahead:
                    return None
        return photo

    def when_read(self, path: Path, use: Callable[[DecodedImage], object], *, keep: bool = True) -> None:
        """Call `use` with the photo, in the thread that reads it, once it has been read; never where it cannot be."""
        photo = self.peek(path)
        if photo:
            use(photo)
            return

        def finished(future: Future[DecodedImage]) -> None:
            if future.exception() is None:
                use(future.result())

        self._begin(path, keep=keep, ahead=False).photo.add_done_callback(finished)

    def read_part(
        self,
        path: Path,
        choice: PartChoice,
        use: Callable[[DecodedImage], object],
        fail: Callable[[BaseException], object],
    ) -> None:
        """Call `use` with a page or bands of a photo, or `fail` with why not, in the thread that reads it.

        It is not kept: it is for the eye alone, and a model is given the photo as it is by default.
        """

        def finished(future: Future[DecodedImage]) -> None:
            error = future.exception()
            if error is None:
                use(future.result())
            else:
                fail(error)

        self._begin(path, keep=False, ahead=False, choice=choice).photo.add_done_callback(finished)

    def clear(self) -> None:
        """Forget everything, also what is on its way: another folder is opened."""
        with self._lock:
            self._photos.clear()
            self._bytes, self._large = 0, None
            self._forgotten += self._readings.values()
            self._readings.clear()

    def close(self, seconds: float | None = None) -> bool:
        """Wait for what is being read, at most so long, and return whether it has ended."""
        with self._lock:
            futures = [reading.photo for reading in self._on_their_way()]
        return not wait(futures, seconds).not_done

    def _on_their_way(self) -> list[_Reading]:
        return [*self._readings.values(), *self._forgotten]

    def _here(self, path: Path) -> DecodedImage | None:
        if self._large and self._large[0] == path:
            return self._large[1]
        photo = self._photos.get(path)
        if photo:
            self._photos.move_to_end(path)
        return photo

    def _begin(self, path: Path, *, keep: bool, ahead: bool, choice: PartChoice = DEFAULT_PARTS) -> _Reading:
        with self._lock:
            reading = self._readings.get((path, choice))
            here = self._here(path) if choice == DEFAULT_PARTS else None
            if here:  # it came between the look at what is here and this one
                reading = _Reading()
                reading.photo.set_result(here)
            elif reading is None:
                if sum(other.is_late for other in self._on_their_way()) >= MAX_LATE:
                    raise LateError(_late(LATE_SECONDS))
                reading = self._readings[path, choice] = _Reading(ahead)
                arguments = (path, reading, keep, choice)
                threading.Thread(target=self._read, args=arguments, name="photo_reader", daemon=True).start()
            return reading

    def _read(self, path: Path, reading: _Reading, keep: bool, choice: PartChoice) -> None:  # noqa: FBT001 - by a thread
        photo, problem = None, None
        try:
            width, height = size_of(path)
            reading.pixels = width * height
            if reading.pixels > LARGE_PIXELS:
                photo = self._decode_large(path, reading, keep, choice)
            else:
                photo = decode(path, choice)
        except BaseException as error:  # noqa: BLE001 - whoever waits has to know
            problem = error
        with self._lock:
            if reading in self._forgotten:
                self._forgotten.remove(reading)
            else:
                del self._readings[path, choice]
                if photo and keep:
                    self._add(path, photo)
        if photo:
            reading.photo.set_result(photo)
        else:
            reading.photo.set_exception(problem)

    def _decode_large(self, path: Path, reading: _Reading, keep: bool, choice: PartChoice) -> DecodedImage:  # noqa: FBT001
        if reading.ahead:
            raise _TooLargeError
        with self._decoding_large:
            reading.begun = time.monotonic()
            if keep:
                with self._lock:
                    self._large = None  # its place will be taken, and its memory is needed now
            return decode(path, choice)

    def _add(self, path: Path, photo: DecodedImage) -> None:
        if photo.size[0] * photo.size[1] > LARGE_PIXELS:
            self._large = path, photo
            return
        self._photos[path] = photo
        self._bytes += photo.byte_count
        while self._bytes > self._capacity and len(self._photos) > 1:
            _, oldest = self._photos.popitem(last=False)
            self._bytes -= oldest.byte_count


def _late(seconds: float) -> str:
    return tr("It is still being read after {n:.0f} s: its disk may not answer. It is shown once it does.", n=seconds)
