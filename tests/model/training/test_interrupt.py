"""Ctrl+C between two steps."""

from __future__ import annotations

import json
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import to_builtins

from model.commands import train
from model.training.interrupt import STATUS, Interrupt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from model.protocol import TrainingEvent

pytestmark = pytest.mark.usefixtures("repeatable")


@pytest.fixture(autouse=True)
def _heard() -> Iterator[None]:
    """Ctrl+C is not ignored, as it is in what a shell starts in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press(number: signal.Signals = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)


def test_the_first_waits_and_the_second_does_not() -> None:
    heard: list[str] = []
    with Interrupt(lambda: heard.append("first")) as interrupt:
        assert not interrupt.asked
        press()
        assert interrupt.asked
        assert heard == ["first"]
        with pytest.raises(KeyboardInterrupt):
            press()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_released_it_ends_the_program_at_once() -> None:
    with Interrupt() as interrupt:
        with pytest.raises(KeyboardInterrupt), interrupt.released():
            press()
        press()
        assert interrupt.asked
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_system_that_shuts_down_waits_too() -> None:
    with Interrupt() as interrupt:
        press(signal.SIGTERM)
        assert interrupt.asked
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL  # the second ends it at once
    with Interrupt(alone=False):
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_where_it_is_ignored_it_stays_so() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupt() as interrupt:
            press()
        assert not interrupt.asked
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def test_another_thread_leaves_it_alone() -> None:
    def enter() -> None:
        with Interrupt():
            found.append(signal.getsignal(signal.SIGINT))

    found: list[Any] = []
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]


def pressing(monkeypatch: pytest.MonkeyPatch, kind: str) -> list[dict[str, Any]]:
    """Press Ctrl+C at the first event of a kind; return the list of all events to come."""
    events: list[dict[str, Any]] = []

    def on_event(event: TrainingEvent) -> None:
        record = to_builtins(event)
        events.append(record)
        if [e["event"] for e in events].count(kind) == 1 and record["event"] == kind:
            press()

    monkeypatch.setattr(train.console, "event_writer", lambda **_: on_event)
    return events


def test_a_training_keeps_its_steps(
    coco_file: Callable[..., Path], tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ["--train", str(coco_file(3)), "--weights", str(tiny_weights), "--output", str(tmp_path / "a.safetensors")]
    given += ["--device", "cpu", "--epochs", "1", "--batch", "1", "--set", "scales=[64]", "--set", "early_scales=[64]"]
    first = pressing(monkeypatch, "step")
    assert train.main(given) == STATUS
    assert [e["event"] for e in first] == ["start", "step", "stopped"]
    assert first[-1]["resumable"]
    second = pressing(monkeypatch, "nothing")
    assert train.main([*given, "--resume"]) == 0
    assert [e.get("step") for e in second if e["event"] in ("resumed", "step")] == [1, 2, 3]


def test_nothing_is_promised_where_nothing_is_saved(
    coco_file: Callable[..., Path], tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ["--train", str(coco_file(1)), "--weights", str(tiny_weights), "--output", str(tmp_path / "a.safetensors")]
    events = pressing(monkeypatch, "start")
    assert train.main([*given, "--device", "cpu"]) == STATUS
    assert events[-1] == {"event": "stopped", "resumable": False}
    assert [p.name for p in tmp_path.glob("a.*")] == []


@pytest.mark.slow
def test_a_round_keeps_its_steps(
    coco_file: Callable[..., Path], tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "a.safetensors"
    given = [str(coco_file(3)), "--from", str(tiny_weights), "--output", str(output), "--device", "cpu"]
    events = pressing(monkeypatch, "step")
    assert train.main([*given, "--short-side", "64", "--epochs", "2", "--freeze", "none"]) == STATUS
    assert events[-1] == {"event": "stopped", "resumable": True}
    assert output.with_suffix(".resume").exists()
    assert json.dumps(events)  # as they go to a program that listens
    again = pressing(monkeypatch, "nothing")
    resume = [*given, "--short-side", "64", "--epochs", "2", "--freeze", "none", "--resume"]
    assert train.main(resume) == 0
    assert [e for e in again if e["event"] == "resumed"] == [{"event": "resumed", "step": 1, "epoch": 1}]
    anew = pressing(monkeypatch, "nothing")
    assert train.main(resume) == 0
    assert "nothing to go on from" in next(e["text"] for e in anew if e["event"] == "notice")
