from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from model.protocol import Paused, Resumed
from model.training.control import Control, Quit, Stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.protocol import TrainingEvent


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_orders_come_over_a_pipe() -> None:
    told: list[TrainingEvent] = []
    end, begin = os.pipe()
    control = Control(told.append, end)
    control.check()
    os.write(begin, b"what?\npause\n")
    until(lambda: control._order == "pause")
    os.write(begin, b"resume\n")
    control.check()
    os.write(begin, b"stop\nresume\n")
    until(lambda: control._order == "stop")
    with pytest.raises(Stop):
        control.check()
    control.finish()
    control.check()
    os.write(begin, b"quit")
    os.close(begin)  # the last line needs no end
    until(lambda: control._order == "quit")
    with pytest.raises(Quit):
        control.check()
    os.close(end)


def test_a_pause_is_told_and_counted_and_ends_with_the_stream() -> None:
    told: list[TrainingEvent] = []
    end, begin = os.pipe()
    control = Control(told.append, end)
    os.write(begin, b"pause\n")
    until(lambda: control._order == "pause")

    def close(record: TrainingEvent) -> None:
        told.append(record)
        if isinstance(record, Paused):
            os.close(begin)

    control._on_event = close
    control.check()
    assert told == [Paused(), Resumed()]
    assert control.waited > 0
    os.close(end)


def test_without_a_stream_there_are_no_orders() -> None:
    Control(lambda _: None).check()
