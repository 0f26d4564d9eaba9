"""The training process: started, read, paused and stopped. The window never waits for it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from annotator.session.process_priority import lower_priority
from dataset.i18n import tr
from model.protocol import MAX_LINE, Done, Error, Stopped, read_event

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
KEPT_ERRORS = 64 << 10  # bytes of its standard error
GRACE = 3000  # milliseconds from asking it to end to ending it
ORPHANS_GRACE = 6.0  # seconds that one which a window left behind has to save itself


class Outcome(StrEnum):
    """How a process ended."""

    DONE = "done"  # there is a model
    STOPPED = "stopped"  # it can go on another time
    CANCELLED = "cancelled"  # the person threw the round away
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended, why it failed in a sentence for people, and whether it can go on from there."""

    outcome: Outcome
    sentence: str = ""
    resumable: bool = False


class TrainingProcess(QObject):
    """One training process at a time, at the lowest priority.

    Signals:
        started: (process id) it runs.
        event_received: (a record of `model.protocol`) it has written one.
        ended: (Ending) it is gone.
    """

    started = Signal(int)
    event_received = Signal(object)
    ended = Signal(object)

    def __init__(self, parent: QObject | None = None, *, program: Sequence[str] = ()) -> None:
        """`program` and its first arguments, if not the training command of this application."""
        super().__init__(parent)
        self._program = list(program) or command()
        self._process = QProcess(self)
        self._process.setWorkingDirectory(str(ROOT))  # where the module is, however the application was started
        self._process.setProcessEnvironment(_environment())
        self._process.started.connect(self._started)
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.readyReadStandardError.connect(self._read_errors)
        self._process.finished.connect(self._finished)
        self._process.errorOccurred.connect(self._failed_to_start)
        self._kill = QTimer(self, singleShot=True, interval=GRACE)
        self._kill.timeout.connect(self._process.kill)
        self._forget()

    @property
    def running(self) -> bool:
        """Whether there is a process."""
        return self._process.state() != QProcess.ProcessState.NotRunning

    def start(self, arguments: Sequence[str]) -> None:
        """Start training with these arguments of the command. There must be none running."""
        assert not self.running, "one round at a time"
        self._forget()
        program, *before = self._program
        self._process.start(program, [*before, *arguments])

    def pause(self) -> None:
        """Let it wait; an event follows when it does."""
        self._tell("pause")

    def resume(self) -> None:
        """Let it go on."""
        self._tell("resume")

    def stop(self) -> None:
        """Let it finish now, with the best model so far."""
        self._tell("stop")

    def quit(self) -> None:
        """Let it save what it needs to go on another time, and end."""
        self._tell("quit")

    def cancel(self) -> None:
        """End it; nothing of it is wanted."""
        if self.running:
            self._cancelled = True
            self._process.terminate()
            self._kill.start()

    def close(self, seconds: float | None = None) -> bool:
        """Let it save and end, wait for that (at most so long), and return whether it has. The window is gone."""
        self.quit()
        if not self.running:
            return True
        return self._process.waitForFinished(-1 if seconds is None else round(1000 * seconds))

    def _tell(self, word: str) -> None:
        if self.running:
            self._process.write(f"{word}\n".encode())

    def _forget(self) -> None:
        self._rest = b""
        self._errors = b""
        self._last: Done | Stopped | Error | None = None
        self._cancelled = False

    def _started(self) -> None:
        lower_priority(self._process.processId())
        self.started.emit(self._process.processId())

    def _read(self) -> None:
        self._rest += self._process.readAllStandardOutput().data()
        *lines, self._rest = self._rest.split(b"\n")
        if len(self._rest) > MAX_LINE:
            self._rest = b""
        for line in lines:
            event = read_event(line)
            if isinstance(event, Done | Stopped | Error):
                self._last = event
            if event is not None:
                self.event_received.emit(event)

    def _read_errors(self) -> None:
        self._errors = (self._errors + self._process.readAllStandardError().data())[-KEPT_ERRORS:]

    def _finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._kill.stop()
        self._read()
        self._read_errors()
        self.ended.emit(self._ending(code, crashed=status is QProcess.ExitStatus.CrashExit))

    def _failed_to_start(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart:
            why = self._process.errorString()
            self.ended.emit(
                Ending(Outcome.FAILED, tr("The training process could not be started: {reason}.", reason=why))
            )

    def _ending(self, code: int, *, crashed: bool) -> Ending:
        if self._cancelled:
            return Ending(Outcome.CANCELLED)
        if code == 0 and not crashed and isinstance(self._last, Done):
            return Ending(Outcome.DONE)
        if code == 0 and not crashed and isinstance(self._last, Stopped):
            return Ending(Outcome.STOPPED, resumable=self._last.resumable)
        if isinstance(self._last, Error):
            return Ending(Outcome.FAILED, self._last.text)
        lines = [line.strip() for line in self._errors.decode(errors="replace").splitlines() if line.strip()]
        last = f" ({lines[-1][:300]})" if lines else ""
        if crashed:
            text = tr(
                "The training process was ended from outside or crashed{last}; perhaps memory ran out.", last=last
            )
        else:
            text = tr("The training process ended too early{last}.", last=last)
        return Ending(Outcome.FAILED, text, resumable=True)


def command() -> list[str]:
    """Return the training command: program and first arguments."""
    if getattr(sys, "frozen", False):  # the packed application is its own interpreter
        return [sys.executable, "train"]
    return [sys.executable, "-m", "model.commands.train"]


def end_orphan(process: int, output: str) -> None:
    """End the training process that a window left behind, if it is still that. For a thread; not on Windows.

    It gets a signal on which it saves itself, and some time for that.

    Args:
        process: Its id.
        output: The file it writes, by which it is known again: ids are used anew.
    """
    if process <= 0 or sys.platform == "win32":
        return
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        if not _writes(process, output):
            return
        os.kill(process, signal.SIGTERM)
        end = time.monotonic() + ORPHANS_GRACE
        while _writes(process, output):
            if time.monotonic() > end:
                os.kill(process, signal.SIGKILL)
                return
            time.sleep(0.1)


def _writes(process: int, output: str) -> bool:
    """Return whether a process is there, and has this file on its command line."""
    ask = ["ps", "-ww", "-o", "command=", "-p", str(process)]
    return output in subprocess.run(ask, capture_output=True, text=True, timeout=5, check=False).stdout  # noqa: S603


def _environment() -> QProcessEnvironment:
    environment = QProcessEnvironment.systemEnvironment()
    environment.insert("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait sleep, beside a window that needs the cores
    environment.insert("PYTHONUNBUFFERED", "1")
    environment.insert("PYTHONIOENCODING", "utf-8")
    environment.remove("PYTHONSAFEPATH")  # `-m` then has ROOT first on its path, before any other `model`
    return environment
