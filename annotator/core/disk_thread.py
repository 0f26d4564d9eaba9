"""Threads that a disk may hold up for ever, and how long is waited for them: nothing else here waits for a disk.

A call that a system does not finish cannot be ended. Its thread is left behind, as a daemon, and whoever waits for its
end is told that it has not come.
"""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")

GLANCE = 1.0  # seconds after which whoever looks at a disk goes on without its answer


class Deadline:
    """A number of seconds, for several things that are waited for one after the other. None: for ever."""

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    @property
    def left(self) -> float | None:
        """The seconds that are left, 0 at least."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())


class DiskThread:
    """Does jobs one after the other, in a thread of its own that begins with the first. Used from any thread."""

    def __init__(self, name: str) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._lock = threading.Lock()  # guards what follows
        self._is_started = self._is_finishing = False

    def submit(self, job: Callable[[], Result]) -> Future[Result]:
        """Do a job after those given before.

        Raises:
            RuntimeError: it is to finish, or no thread can be started.
        """
        future: Future[Result] = Future()

        def work() -> None:
            try:
                result = job()
            except BaseException as error:  # noqa: BLE001 - whoever asks the future has to know
                future.set_exception(error)
            else:
                future.set_result(result)

        with self._lock:
            if self._is_finishing:
                raise RuntimeError("no more jobs are taken")
            if not self._is_started:
                self._thread.start()
                self._is_started = True
            self._jobs.put(work)
        return future

    def finish(self) -> None:
        """Take no more jobs, and end after those given. Does not wait. More than once is fine."""
        with self._lock:
            if not self._is_finishing:
                self._is_finishing = True
                self._jobs.put(None)

    def join(self, seconds: float | None = None) -> bool:
        """Wait for a thread that is to finish, at most so long, and return whether it has ended."""
        if not self._is_started:
            return self._is_finishing
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while job := self._jobs.get():
            job()
            del job  # what it holds is let go while the next is waited for


def answered(question: Callable[[], Result]) -> Result | None:
    """Return what a short look at a disk gives; None if it does not answer: a hang's limit, no more.

    What it raises passes through.
    """
    thread = DiskThread("glance")
    answer = thread.submit(question)
    thread.finish()
    try:
        return answer.result(GLANCE)
    except TimeoutError:
        if answer.done():  # it is the question's own
            raise
        return None
