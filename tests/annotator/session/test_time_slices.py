"""Long work in slices."""

from __future__ import annotations

import time
from collections.abc import Iterator

from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from annotator.session.time_slices import TimeSlicer
from tests.qt import arguments


def _slow(count: int) -> Iterator[int]:
    for i in range(count):
        time.sleep(0.002)
        yield i


def test_everything_is_taken_and_events_get_their_turn(qtbot: QtBot) -> None:
    slices = TimeSlicer()
    beats: list[float] = []
    timer = QTimer(interval=1)
    timer.timeout.connect(lambda: beats.append(0))
    timer.start()
    with qtbot.waitSignal(slices.done) as done:
        slices.start(_slow(50))
    assert arguments(done) == [list(range(50))]
    assert len(beats) >= 5


def test_a_new_start_drops_what_was_left_and_nothing_is_a_result(qtbot: QtBot) -> None:
    slices = TimeSlicer()
    slices.start(_slow(1000))
    with qtbot.waitSignal(slices.done) as done:
        slices.start(iter(()))
    assert arguments(done) == [[]]


def test_stopped_it_never_tells(qtbot: QtBot) -> None:
    slices = TimeSlicer()
    slices.start(_slow(5))
    slices.stop()
    with qtbot.assertNotEmitted(slices.done, wait=50):
        pass


def test_an_iterator_that_fails_is_never_taken_for_all(qtbot: QtBot) -> None:
    slicer = TimeSlicer()
    taken: list[object] = []
    slicer.done.connect(taken.append)

    def failing() -> Iterator[int]:
        yield 1
        raise KeyError("nobody foresaw it")

    with qtbot.captureExceptions() as errors:
        slicer.start(failing())
        qtbot.waitUntil(lambda: bool(errors))
        qtbot.wait(20)
    assert [kind for kind, *_ in errors] == [KeyError]
    assert taken == []
