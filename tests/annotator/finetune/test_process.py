"""The process: what it says and how it ends, with a small program that speaks as the training does."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QProcess
from pytestqt.qtbot import QtBot

from annotator.finetune.process import Ending, Outcome, TrainingProcess, command, end_orphan
from annotator.session.process_priority import NICENESS, lower_priority
from model.protocol import Done, Estimate, Notice, Paused, Resumed, Step, Stopped
from tests.qt import arguments

LONG = 20_000
OBEYS = """
import json, sys
def say(**record): print(json.dumps(record), flush=True)
say(event="estimate", seconds=3)
for line in sys.stdin:
    word = line.strip()
    if word == "pause": say(event="paused")
    if word == "resume": say(event="resumed")
    if word == "stop": say(event="done", output="model"); sys.exit(0)
    if word == "quit": say(event="stopped", resumable=True); sys.exit(0)
"""
Make = Callable[[str], TrainingProcess]


@pytest.fixture
def make(qtbot: QtBot) -> Iterator[Make]:
    made: list[TrainingProcess] = []

    def process(script: str) -> TrainingProcess:
        made.append(TrainingProcess(program=[sys.executable, "-S", "-c", script]))
        made[-1].events = []  # type: ignore[attr-defined]
        made[-1].event_received.connect(made[-1].events.append)  # type: ignore[attr-defined]
        return made[-1]

    yield process
    for one in made:
        one.cancel()
        one.close()


def _end(qtbot: QtBot, process: TrainingProcess, *args: str) -> Ending:
    with qtbot.waitSignal(process.ended, timeout=LONG) as signal_:
        process.start(args)
    return arguments(signal_)[0]


def _events(process: TrainingProcess) -> list[object]:
    return process.events  # type: ignore[attr-defined]


def test_orders_are_obeyed_and_answers_heard(qtbot: QtBot, make: Make) -> None:
    process = make(OBEYS)
    with qtbot.waitSignal(process.started, timeout=LONG) as started:
        process.start([])
    assert process.running
    assert os.getpriority(os.PRIO_PROCESS, arguments(started)[0]) == NICENESS
    qtbot.waitUntil(lambda: _events(process) == [Estimate(3)], timeout=LONG)
    for order, answer in ((process.pause, Paused()), (process.resume, Resumed())):
        order()
        qtbot.waitUntil(lambda a=answer: _events(process)[-1] == a, timeout=LONG)
    with qtbot.waitSignal(process.ended, timeout=LONG) as ended:
        process.stop()
    assert arguments(ended) == [Ending(Outcome.DONE)]
    assert _events(process)[-1] == Done("model")
    assert not process.running


def test_told_to_quit_it_can_go_on_another_time(qtbot: QtBot, make: Make) -> None:
    process = make(OBEYS)
    process.start([])
    qtbot.waitUntil(lambda: bool(_events(process)), timeout=LONG)
    with qtbot.waitSignal(process.ended, timeout=LONG) as ended:
        process.quit()
    assert arguments(ended) == [Ending(Outcome.STOPPED, resumable=True)]


def test_a_closing_window_waits_for_what_is_saved(qtbot: QtBot, make: Make) -> None:
    process = make(OBEYS)
    process.start([])
    qtbot.waitUntil(lambda: bool(_events(process)), timeout=LONG)
    assert process.close()
    assert _events(process)[-1] == Stopped(resumable=True)
    assert process.close(), "more than once is fine"


def test_a_process_that_does_not_listen_is_not_waited_for_longer_than_said(qtbot: QtBot, make: Make) -> None:
    process = make('import time; print(\'{"event": "paused"}\', flush=True); time.sleep(60)')
    process.start([])
    qtbot.waitUntil(lambda: bool(_events(process)), timeout=LONG)
    assert not process.close(0.05)
    with qtbot.waitSignal(process.ended, timeout=LONG) as ended:
        process.cancel()
    assert arguments(ended) == [Ending(Outcome.CANCELLED)]


def test_lines_in_pieces_and_lines_of_others(qtbot: QtBot, make: Make) -> None:
    script = """
import sys, time
for piece in ('{"event": "no', 'tice", "text": "é"}', '\\nWarning: what\\n', '{"event": "step", "step": 1}\\n{"ev',
              'ent": "done"}\\n'):
    sys.stdout.buffer.write(piece.encode()); sys.stdout.flush(); time.sleep(0.02)
"""
    process = make(script)
    assert _end(qtbot, process) == Ending(Outcome.DONE)
    assert _events(process) == [Notice("é"), Step(1), Done()]


@pytest.mark.parametrize(
    ("script", "sentence", "resumable"),
    [
        ('print(\'{"event": "error", "text": "Photo a.jpg is gone."}\'); raise SystemExit(2)', "a.jpg is gone.", False),
        ("raise ValueError('the reason')", "ended too early (ValueError: the reason).", True),
        ("pass", "ended too early.", True),
        ("import os; os.kill(os.getpid(), 9)", "ended from outside", True),
    ],
)  # fmt: skip
def test_why_it_failed(qtbot: QtBot, make: Make, script: str, sentence: str, *, resumable: bool) -> None:
    ending = _end(qtbot, make(script))
    assert ending.outcome is Outcome.FAILED
    assert sentence in ending.sentence
    assert "Traceback" not in ending.sentence
    assert ending.resumable is resumable


def test_a_program_that_is_not_there(qtbot: QtBot) -> None:
    process = TrainingProcess(program=["/there/is/no/such/program"])
    assert "could not be started" in _end(qtbot, process).sentence


def test_a_second_start_knows_nothing_of_the_first(qtbot: QtBot, make: Make) -> None:
    script = 'import sys; print(\'{"event": "done"}\') if sys.argv[1:] else sys.exit(1)'
    process = make(script)
    assert _end(qtbot, process, "well").outcome is Outcome.DONE
    assert _end(qtbot, process).outcome is Outcome.FAILED


@pytest.mark.skipif(sys.platform == "win32", reason="ids of processes are looked up with ps")
@pytest.mark.parametrize(("handler", "signal_number"), [("SIG_DFL", signal.SIGTERM), ("SIG_IGN", signal.SIGKILL)])
def test_an_orphan_is_ended_and_nobody_else(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, handler: str, signal_number: int
) -> None:
    monkeypatch.setattr("annotator.finetune.process.ORPHANS_GRACE", 0.1)
    ignore = f"import signal, time; signal.signal(signal.SIGTERM, signal.{handler})"
    script = f"{ignore}; print(1, flush=True); time.sleep(60)"
    orphan = QProcess()
    with qtbot.waitSignal(orphan.readyReadStandardOutput, timeout=LONG):
        orphan.start(sys.executable, ["-S", "-c", script, "/x/round-001.safetensors"])
    end_orphan(orphan.processId(), "/x/round-002.safetensors")
    end_orphan(0, "/x/round-001.safetensors")
    assert not orphan.waitForFinished(100)
    with qtbot.waitSignal(orphan.finished, timeout=LONG):
        end_orphan(orphan.processId(), "/x/round-001.safetensors")
    assert orphan.exitCode() == signal_number


def test_a_process_that_is_gone_has_no_priority_to_lower() -> None:
    lower_priority(2**22 - 1)


def test_the_command_is_the_training() -> None:
    assert command()[-2:] == ["-m", "model.commands.train"]
