"""Processes that are killed while they edit, and what the next one finds of their work.

A process edits three photos without pause, as a person does who never rests, and reports each edit once it is on
record. It is killed at a random moment, or kills itself at one where writing is under way: in a transaction of the
journal, while that is committed, while the file is written, before the file takes the place of the old one, after it.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import sqlite3
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from statistics import median
from typing import TYPE_CHECKING, Any

from annotator.core.annotation import Annotation, Origin
from annotator.core.photo_state import Mark, PhotoState
from annotator.core.store.store import Store
from benchmarks.stress.part import PartResult, Progress
from benchmarks.stress.trial import context
from dataset import atomic_files
from dataset.geometry import rectangle
from dataset.messages import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path

RUNS = 300
PROMISE = 0.3
"""Seconds: an older edit is in the journal."""
NAMES = ("a.jpg", "b.jpg", "c.jpg")
CROWDED = "many.jpg"
OTHERS = 3000
"""Annotations of that photo, which nobody edits: they make the file take a while."""
MOMENTS = ("random", "transaction", "commit", "file", "rename", "clear")
LONGEST = 10.0
"""Seconds that a process waits for its moment."""


def state(number: int) -> PhotoState:
    """Return what edit `number` leaves of its photo: every part of it follows from the number."""
    left = number % 50
    made = Annotation(number % 3 + 1, 1, rectangle(left, 1, left + 9, 9), extra={"number": number})
    seen = Annotation(-1 - number, 1, rectangle(left, 20, left + 9, 30), origin=Origin.SUGGESTED, score=0.5)
    return PhotoState((64, 48), (made,), (seen,), mark=Mark(number % 2 == 1))


def photo_of(number: int) -> str:
    """Return the photo that edit `number` is made in."""
    return NAMES[number % 3]


def edit(folder: Path, first: int, moment: str, chance: tuple[int, float], reports: Connection) -> None:
    """Edit for ever from number `first` on, and report each edit: the body of the process that is killed.

    Args:
        folder: The project.
        first: The number of the first edit.
        moment: One of `MOMENTS`.
        chance: How often the moment may pass before, and how many seconds after it the process is killed.
        reports: Gets lines of the number of an edit and the time; of 0 and the time of death where that is known.
    """
    if moment != "random":
        Aim(moment, *chance, reports.fileno()).take()
    store = Store.open(folder, fallback=folder.parent / "fallback")
    for number in count(first):
        store.put(photo_of(number), state(number))
        os.write(reports.fileno(), f"{number} {time.monotonic()}\n".encode())
        if number % 40 == 0:
            store.save()
        time.sleep(0.003)


@dataclass(slots=True)
class Aim:
    """Kills this process at a moment, which is recognised by what the system and SQLite are asked for."""

    moment: str
    skip: int
    delay: float
    reports: int
    _passed: int = 0
    _renamed: bool = False

    def take(self) -> None:
        """Begin to watch."""
        sys.addaudithook(self._hook)
        connect = sqlite3.connect

        def traced(*arguments: Any, **options: Any) -> sqlite3.Connection:  # noqa: ANN401 - as SQLite has them
            made = connect(*arguments, **options)
            made.set_trace_callback(self._statement)
            return made

        sqlite3.connect = traced
        place = atomic_files.put_or_swap

        def watched(new: Path, path: Path) -> bool | None:
            if path.name == "annotations.json":
                self._renamed = True
                if self.moment == "rename":
                    self._pass()
            return place(new, path)

        atomic_files.put_or_swap = watched

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and self.moment == "file" and _is_new_file(arguments):
            self._pass()

    def _statement(self, sql: str) -> None:
        if self.moment == "clear":
            if self._renamed:
                self._pass()
        elif sql.startswith("COMMIT"):
            if self.moment == "commit":
                self._pass()
        elif self.moment == "transaction" and "photos" in sql and not sql.startswith(("SELECT", "CREATE")):
            self._pass()

    def _pass(self) -> None:
        self._passed += 1
        if self._passed == self.skip + 1:
            if self.delay:
                threading.Thread(target=self._die, daemon=True).start()
            else:
                self._die()

    def _die(self) -> None:
        time.sleep(self.delay)
        os.write(self.reports, f"0 {time.monotonic()}\n".encode())
        os.kill(os.getpid(), 9)


def _is_new_file(arguments: tuple[Any, ...]) -> bool:
    path, mode, flags = arguments
    name = os.path.basename(os.fsdecode(path)) if isinstance(path, str | bytes | os.PathLike) else ""  # noqa: PTH119
    return name.startswith(".annotations.json") and ("w" in (mode or "") or bool((flags or 0) & os.O_CREAT))


@dataclass(slots=True)
class KilledProject:
    """A folder whose processes are killed, and what is known of it."""

    folder: Path
    kept: dict[str, int] = field(default_factory=dict)
    """The last edit of each photo that was found."""
    next: int = 3

    @classmethod
    def make(cls, folder: Path) -> KilledProject:
        """Make a project with an edit of each photo in it, all saved."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in (*NAMES, CROWDED):
            (folder / name).write_bytes(b"photo")
        box = {"image_id": 1, "category_id": 1, "bbox": [1, 1, 5, 5]}
        data = {
            "images": [{"id": 1, "file_name": CROWDED, "width": 64, "height": 48}],
            "annotations": [{"id": 100 + n, **box} for n in range(OTHERS)],
            "categories": [{"id": 1, "name": "thing"}],
        }
        (folder / "annotations.json").write_text(json.dumps(data))
        store = Store.open(folder, fallback=folder.parent / "fallback")
        for number in range(3):
            store.put(photo_of(number), state(number))
        store.save().result(30)
        store.close()
        return cls(folder, {photo_of(n): n for n in range(3)})


@dataclass(slots=True)
class Death:
    """A process that was killed: when, and the edits that it had reported, each with its time."""

    killed: float
    edits: list[tuple[int, float]]
    status: int | None
    """Of a process that ended by itself, None where it was killed."""


def kill_one(project: KilledProject, moment: str, rng: random.Random) -> Death:
    """Start a process that edits and have it killed."""
    made = context()
    reports, theirs = made.Pipe(duplex=False)
    delay = {"commit": rng.uniform(0, 0.004), "file": rng.uniform(0, 0.02), "random": rng.uniform(0.05, 2)}
    chance = (rng.randrange(4), delay.get(moment, 0.0))
    process = made.Process(target=edit, args=(project.folder, project.next, moment, chance, theirs), daemon=True)
    process.start()
    theirs.close()
    lines: list[str] = []
    reader = threading.Thread(target=_read, args=(reports, lines))
    reader.start()
    process.join(chance[1] if moment == "random" else LONGEST)
    killed = time.monotonic()
    alive = process.exitcode is None
    process.kill()
    process.join()
    reader.join()
    reports.close()
    edits = [(int(number), float(t)) for number, t in (line.split() for line in lines)]
    times = [t for number, t in edits if number == 0]
    status = None if alive or process.exitcode == -9 else process.exitcode
    return Death(times[0] if times else killed, [(number, t) for number, t in edits if number], status)


def _read(reports: Connection, lines: list[str]) -> None:
    rest = b""
    while data := os.read(reports.fileno(), 1 << 16):
        rest += data
    lines += rest.decode().splitlines(keepends=True)
    lines[:] = [line for line in lines if line.endswith("\n")]


def examine(project: KilledProject, death: Death) -> tuple[list[str], float]:
    """Open what a killed process left. Return what is wrong, and the age in seconds of the oldest edit that is lost."""
    folder, found = project.folder, list[str]()
    if death.status is not None:
        found.append(f"the process ended by itself, with status {death.status}")
    try:
        json.loads((folder / "annotations.json").read_bytes())
    except (OSError, ValueError) as error:
        found.append(f"no valid file: {error}")
    numbers = [number for number, _ in death.edits]
    last = max(numbers, default=project.next - 1)
    oldest = 0.0
    try:
        store = Store.open(folder, fallback=folder.parent / "fallback")
    except UserError as error:
        return [f"it cannot be opened again: {error}"], 0.0
    try:
        for name in NAMES:
            kept, problem = _kept(store.load(name))
            if problem:
                found.append(problem)
            if not project.kept[name] <= kept <= last + 3:
                found.append(f"edit {kept} of {name} instead of one from {project.kept[name]} to {last}")
            lost = [t for number, t in death.edits if photo_of(number) == name and number > kept]
            oldest = max(oldest, death.killed - min(lost, default=death.killed))
            project.kept[name] = kept
        if store.count(CROWDED) != OTHERS:
            found.append(f"{store.count(CROWDED)} of {OTHERS} annotations of a photo that nobody edited")
    finally:
        store.close()
    project.next = max(last, *project.kept.values()) + 4
    return found + _leftovers(folder), oldest


def _kept(found: PhotoState) -> tuple[int, str]:
    """Return the number of the edit that a photo's state is of, and what in it is of another."""
    numbers = [a.extra.get("number", -1) for a in found.annotations]
    if len(numbers) != 1:
        return -1, f"{len(numbers)} annotations where every edit leaves one"
    whole = state(numbers[0])
    different = [
        part for part in ("size", "annotations", "reviewed", "done") if getattr(found, part) != getattr(whole, part)
    ]
    return numbers[0], f"a state that was never put: {', '.join(different)} of another edit" if different else ""


def _leftovers(folder: Path) -> list[str]:
    """Return what is wrong with the folder after the project was closed."""
    found = [f"{path.name} is left over" for path in folder.iterdir() if path.name.startswith(".annotations")]
    with contextlib.closing(sqlite3.connect(folder / ".annotator" / "project.sqlite")) as db:
        (report,) = db.execute("PRAGMA integrity_check").fetchone()
    saved = len(json.loads((folder / "annotations.json").read_bytes())["annotations"])
    if report != "ok":
        found.append(f"the journal is damaged: {report}")
    if saved != OTHERS + len(NAMES):
        found.append(f"{saved} annotations in the file that was closed, not {OTHERS + len(NAMES)}")
    return found


def run(
    scratch: Path, progress: Progress, runs: int = RUNS, seed: int = 0, *, promise: float = PROMISE, loaded: bool = True
) -> PartResult:
    """Kill so many processes, the second half under load if `loaded`; edits older than `promise` must be there."""
    rng = random.Random(seed)
    result = PartResult(unit="kills")
    project = KilledProject.make(scratch / "photos")
    ages: dict[bool, list[float]] = {False: [], True: []}
    moments: deque[str] = deque(MOMENTS)
    for number in range(runs):
        moment, load = moments[0], loaded and number >= runs // 2
        moments.rotate(-1)
        with _busy() if load else contextlib.nullcontext():
            death = kill_one(project, moment, rng)
        problems, age = examine(project, death)
        ages[load].append(age)
        if age > promise:
            problems.append(f"an edit of {age:.2f} s ago was lost{' under load' if load else ''}")
        for problem in problems:
            result.add(problem, f"run {number}, {moment}{', loaded' if load else ''}")
        if problems:
            project = KilledProject.make(scratch / "photos")
        result.done += 1
        progress.step(result.done, result.findings.total())
    result.note = "; ".join(
        f"{'under load' if load else 'alone'} the oldest loss {max(found):.2f} s, the median {median(found):.2f} s"
        for load, found in ages.items()
        if found
    )
    return result


@contextlib.contextmanager
def _busy() -> Iterator[None]:
    """Twice as many busy processes as there are processors, and one that has the disk synced again and again."""
    made = context()
    bodies: list[Callable[[], None]] = [_spin] * 2 * (os.cpu_count() or 1) + [_sync]
    processes = [made.Process(target=body, daemon=True) for body in bodies]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def _spin() -> None:
    while True:
        pass


def _sync() -> None:
    import tempfile  # noqa: PLC0415 - in the process alone

    with tempfile.TemporaryFile() as file:
        while True:
            file.seek(0)
            file.write(os.urandom(8 << 20))
            file.flush()
            os.fsync(file.fileno())
