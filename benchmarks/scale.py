"""A project of train2017's size: how long it takes to open, keep an edit and save, and what stands still meanwhile.

`python -m benchmarks.scale` opens it in the real window and without one, each in a fresh process, in turns with
pycocotools. `--formats` also exports it in each format and imports that into an empty project, by the commands.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from benchmarks.processes import environment
from benchmarks.report import Record, main, peak_memory
from benchmarks.store import ANNOTATIONS, PHOTOS, make_file

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

RUNS = 3
BEAT = 0.005  # seconds
HOLD = 50.0  # milliseconds for which nothing may stand still
EDITS = 20
SIZE = (640, 480)


class LockHolds:
    """A thread that wants Python's lock every few milliseconds and notes how long it has to wait for it."""

    def __init__(self) -> None:
        self._longest = 0.0
        self._where = ""
        self._watched = threading.get_ident()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            started, before = time.perf_counter(), time.process_time()
            time.sleep(BEAT)
            late = time.perf_counter() - started - BEAT
            # One that did not get a processor has not waited for the lock.
            late = min(late, time.process_time() - before)
            if late > self._longest:
                self._longest, self._where = late, _places()

    def take(self) -> tuple[float, str]:
        """Return the longest wait since the last call in milliseconds, and where the other threads were after it."""
        found, self._longest = (1000 * self._longest, self._where), 0.0
        return found


class Pauses:
    """A timer of the window's thread that notes how late its beats come, without what it waited for a processor."""

    def __init__(self) -> None:
        from PySide6.QtCore import Qt, QTimer  # noqa: PLC0415 - counted from the process's start

        self._longest, self._last, self._busy = 0.0, time.perf_counter(), time.process_time()
        self._timer = QTimer(interval=round(1000 * BEAT), timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def _beat(self) -> None:
        now, busy = time.perf_counter(), time.process_time()
        self._longest = max(self._longest, min(now - self._last - BEAT, busy - self._busy))
        self._last, self._busy = now, busy

    def take(self) -> float:
        """Return the longest pause since the last call in milliseconds."""
        found, self._longest = 1000 * self._longest, 0.0
        return found


def _places() -> str:
    own = threading.get_ident()
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    return " ".join(
        f"{names.get(ident, ident)}:{frame.f_code.co_name}:{frame.f_lineno}"
        for ident, frame in sys._current_frames().items()
        if ident != own and "wait" not in frame.f_code.co_name
    )


def make_project(folder: Path, photos: int, annotations: int) -> None:
    """Make a folder of photos, which are links to one, with their annotations."""
    folder.mkdir(parents=True)
    original = folder.parent / "photo.jpg"
    Image.fromarray(np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)).save(original)
    file = original
    for i in range(1, photos + 1):
        name = folder / f"{i:012d}.jpg"
        try:
            os.link(file, name)
        except OSError:  # as many links as the system takes: another file for the next ones
            name.write_bytes(original.read_bytes())
            file = name
    make_file(folder / "annotations.json", photos, annotations)


def _child(task: str, folder: Path) -> dict[str, Any]:
    """Do a task in a process of its own and return what it found."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as home:
        started = time.time()
        command = [sys.executable, "-m", "benchmarks.scale", "--child", task, str(folder), str(started)]
        done = subprocess.run(command, env=environment(Path(home)), stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _pycocotools(folder: Path, started: float) -> dict[str, Any]:
    from pycocotools.coco import COCO  # noqa: PLC0415

    COCO(str(folder / "annotations.json"))
    return {"wall": time.time() - started, "cpu": time.process_time(), "memory": peak_memory()}


def _window(folder: Path, started: float) -> dict[str, Any]:
    """Open the project in the application; keep and save an edit; until it is closed."""
    holds = LockHolds()
    from benchmarks.running import application, wait, wait_until  # noqa: PLC0415 - counted from the process's start

    found: dict[str, Any] = {}
    with application(folder, Path(os.environ["XDG_DATA_HOME"])) as running:
        session, pulse = running.session, Pauses()
        shown: list[object] = []
        session.photo_changed.connect(lambda photo: shown.append(photo) if photo else None)
        wait_until(lambda: shown)
        found |= {"photo": time.time() - started, "photo_cpu": time.process_time()}
        wait_until(lambda: session.document is not None)
        found |= {"wall": time.time() - started, "cpu": time.process_time()}
        wait(0.3)  # what the window does with it
        found |= {"memory": peak_memory(), "pause": pulse.take()}
        found["hold"], found["hold_at"] = holds.take()
        store, document = session.store, session.document
        assert store is not None and document is not None  # noqa: PT018 - of the project that is open
        found["durable"] = _durable(running, wait)
        pulse.take(), holds.take()
        before = peak_memory()
        saving = time.perf_counter()
        future = store.save()
        wait_until(future.done)
        future.result()
        found |= {"save": time.perf_counter() - saving, "save_pause": pulse.take()}
        found["save_hold"], found["save_hold_at"] = holds.take()
        found["save_memory"] = peak_memory() - before
        wait(0.1)
    return found


def _durable(running: Any, wait: Callable[[float], None]) -> float:  # noqa: ANN401 - the application
    """Return how many milliseconds half of the edits take to be on disk."""
    from annotator.core import edits  # noqa: PLC0415
    from annotator.core.annotation import Annotation  # noqa: PLC0415
    from dataset.geometry import rectangle  # noqa: PLC0415

    session, delays = running.session, []
    for i in range(EDITS):
        new = Annotation(session.new_id(), session.document.annotations[0].category_id, rectangle(9, 9, 50, 50 + i))
        started = time.perf_counter()
        session.push(edits.add(session.document, [new]))
        while not session.is_kept:
            time.sleep(0.0002)
        delays.append(1000 * (time.perf_counter() - started))
        wait(0.05)
    return float(np.median(delays))


def _command(*arguments: str) -> dict[str, Any]:
    """Run a command of the application and return its seconds and memory, the process it was started from aside."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measured, (arguments,))


def _measured(arguments: tuple[str, ...]) -> dict[str, Any]:
    import main as program  # noqa: PLC0415

    started = time.perf_counter()
    status = program.main(list(arguments))
    assert status == 0, f"{arguments} failed"
    return {"wall": time.perf_counter() - started, "cpu": time.process_time(), "memory": peak_memory()}


def measure(args: argparse.Namespace) -> list[Record]:
    """Seconds of processor time and of the clock, megabytes, milliseconds."""
    with tempfile.TemporaryDirectory(dir=args.folder) as temporary:
        folder = Path(temporary) / "photos"
        make_project(folder, args.photos, args.annotations)
        megabytes = (folder / "annotations.json").stat().st_size / 1e6
        ours, peer = [], []
        for _ in range(args.runs):
            peer.append(_child("pycocotools", folder))
            ours.append(_child("window", folder))
        records = [*_opening(ours, peer), *_saving(ours, megabytes)]
        if args.formats:
            records += _exchange(folder, args.formats)
    return records


def _best(found: list[dict[str, Any]], key: str) -> float:
    return min(run[key] for run in found)


def _opening(ours: list[dict[str, Any]], peer: list[dict[str, Any]]) -> list[Record]:
    records = []
    titles = (("photo_cpu", "first photo", "cpu"), ("cpu", "first photo with its objects", "cpu"),
              ("photo", "first photo", "wall"), ("wall", "first photo with its objects", "wall"))  # fmt: skip
    for key, title, other in titles:
        value, against = _best(ours, key), _best(peer, other)
        kind = "of the processor" if other == "cpu" else "of the clock"
        records.append(Record(f"process start to the {title}, {kind}", value, "s", f"pycocotools {against:.1f} s",
                              value / against, "under a sixth", value < against / 6))  # fmt: skip
    memory, hold, pause = (_best(ours, key) for key in ("memory", "hold", "pause"))
    where = min(ours, key=lambda run: run["hold"])["hold_at"]
    return [
        *records,
        Record("memory at the most", memory, "MB", aim="under 1,200 MB", met=memory < 1200),
        Record("longest hold of Python's lock while opening", hold, "ms", where[:60], None, "under 50 ms", hold < HOLD),
        Record("longest pause of the window while opening", pause, "ms", aim="under 50 ms", met=pause < HOLD),
    ]


def _saving(ours: list[dict[str, Any]], megabytes: float) -> list[Record]:
    durable, save, hold, pause, memory = (
        _best(ours, key) for key in ("durable", "save", "save_hold", "save_pause", "save_memory")
    )
    where = min(ours, key=lambda run: run["save_hold"])["save_hold_at"]
    return [
        Record("an edit on disk", durable, "ms", aim="under 10 ms", met=durable < 10),
        Record(f"saving {megabytes:.0f} MB", save, "s"),
        Record("longest hold of Python's lock meanwhile", hold, "ms", where[:60], None, "under 50 ms", hold < HOLD),
        Record("longest pause of the window meanwhile", pause, "ms", aim="under 50 ms", met=pause < HOLD),
        Record("memory on top", memory, "MB", aim="under the file's size", met=memory < megabytes),
    ]


def _exchange(folder: Path, names: list[str]) -> list[Record]:
    from dataset.formats.base import formats  # noqa: PLC0415

    records = []
    empty = folder.parent / "empty"
    empty.mkdir()
    for photo in folder.glob("*.jpg"):
        os.link(photo, empty / photo.name)
    for found in formats():
        if not found.write or (names != ["all"] and found.name not in names):
            continue
        target = folder.parent / f"{found.name}{found.suffix}"
        written = _command("export", found.name, str(folder), str(target), "--all")
        records += _costs(f"export {found.name}", written)
        if found.read:
            records += _costs(f"import {found.name}", _command("import", found.name, str(target), str(empty)))
            (empty / "annotations.json").unlink()
    return records


def _costs(title: str, found: dict[str, Any]) -> list[Record]:
    return [
        Record(title, found["wall"], "s", f"{found['cpu']:.0f} s of the processor"),
        Record(f"{title}: memory at the most", found["memory"], "MB", aim="under 1,000 MB", met=found["memory"] < 1000),
    ]


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--photos", type=int, default=PHOTOS)
    parser.add_argument("--annotations", type=int, default=ANNOTATIONS)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--folder", type=Path, help="on the disk to measure (default: that of temporary files)")
    parser.add_argument("--formats", nargs="+", metavar="FORMAT", help="also export and import these, or all")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        task = {"pycocotools": _pycocotools, "window": _window}[sys.argv[2]]
        print(json.dumps(task(Path(sys.argv[3]), float(sys.argv[4]))))
        sys.stdout.flush()
        os._exit(0)
    else:
        main("scale", measure, _arguments)
