from __future__ import annotations

import pytest

from annotator.core.event import Event


def test_callbacks_are_called_in_order_with_what_was_said() -> None:
    event: Event[[int, str]] = Event()
    heard: list[object] = []
    event.connect(lambda number, text: heard.append(("first", number, text)))
    event.connect(lambda number, text: heard.append(("second", number, text)))
    event.emit(3, "x")
    assert heard == [("first", 3, "x"), ("second", 3, "x")]


def test_one_that_is_disconnected_is_not_called() -> None:
    event: Event[[]] = Event()
    heard: list[int] = []
    callback = lambda: heard.append(1)  # noqa: E731
    event.connect(callback)
    event.emit()
    event.disconnect(callback)
    event.emit()
    assert heard == [1]
    with pytest.raises(ValueError, match="not in list"):
        event.disconnect(callback)


def test_one_that_disconnects_itself_does_not_disturb_the_others() -> None:
    event: Event[[]] = Event()
    heard: list[str] = []

    def once() -> None:
        heard.append("once")
        event.disconnect(once)

    event.connect(once)
    event.connect(lambda: heard.append("always"))
    event.emit()
    event.emit()
    assert heard == ["once", "always", "always"]


def test_one_that_connects_another_is_heard_by_it_from_the_next_time() -> None:
    event: Event[[]] = Event()
    heard: list[str] = []

    def connect_another() -> None:
        event.connect(lambda: heard.append("another"))
        event.disconnect(connect_another)

    event.connect(connect_another)
    event.emit()
    assert heard == []
    event.emit()
    assert heard == ["another"]
