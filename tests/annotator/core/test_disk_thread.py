from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from annotator.core import disk_thread
from annotator.core.disk_thread import Deadline, DiskThread, answered


@pytest.fixture
def answers() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_jobs_are_done_in_order_and_the_thread_ends() -> None:
    thread = DiskThread("disk")
    done: list[int] = []
    for number in range(3):
        thread.submit(lambda n=number: done.append(n))
    thread.finish()
    assert thread.join(5)
    assert done == [0, 1, 2]
    with pytest.raises(RuntimeError):
        thread.submit(done.clear)


def test_an_error_is_the_futures_and_the_thread_goes_on() -> None:
    thread = DiskThread("disk")
    wrong, right = thread.submit(lambda: 1 // 0), thread.submit(lambda: 7)
    with pytest.raises(ZeroDivisionError):
        wrong.result(5)
    assert right.result(5) == 7
    thread.finish()
    assert thread.join(5)


def test_a_disk_that_hangs_is_waited_for_as_long_as_is_said(answers: threading.Event) -> None:
    thread = DiskThread("disk")
    thread.submit(answers.wait)
    thread.finish()
    begin = time.monotonic()
    assert not thread.join(0.05)
    assert time.monotonic() - begin < 2
    answers.set()
    assert thread.join(5)


def test_a_thread_that_never_had_a_job_has_ended_once_it_is_to() -> None:
    thread = DiskThread("disk")
    assert not thread.join(0)
    thread.finish()
    assert thread.join()


def test_a_deadline_is_one_for_all_that_is_waited_for() -> None:
    assert Deadline(None).left is None
    assert Deadline(0).left == 0
    assert Deadline(-1).left == 0
    left = Deadline(100).left
    assert left is not None
    assert 99 < left <= 100


def test_a_look_at_a_disk_is_given_up(answers: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    assert answered(lambda: 7) == 7
    monkeypatch.setattr(disk_thread, "GLANCE", 0.05)
    assert answered(answers.wait) is None


def test_what_a_look_raises_passes_through() -> None:
    def fail() -> None:
        raise TimeoutError("the server's")

    with pytest.raises(TimeoutError, match="server"):
        answered(fail)
