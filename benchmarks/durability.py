"""How long an edit takes to be on disk: in peace, beside busy processors, and beside busy disks as well."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from annotator.core.annotation import Annotation
from annotator.core.photo_state import Mark, PhotoState
from annotator.core.store.store import Store
from benchmarks.report import Record, main
from benchmarks.store import make_file
from dataset.geometry import rectangle

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

PAUSE = 0.1  # seconds between two edits
PROMISE = 0.3  # seconds from an edit to the disk, in README and ARCHITECTURE.md


def _compute() -> None:
    while True:
        np.linalg.inv(np.random.default_rng(0).random((200, 200)))


def _write(folder: Path) -> None:
    block = os.urandom(8 << 20)
    while True:
        with (folder / f"load-{os.getpid()}").open("wb") as file:
            file.write(block)
            os.fsync(file.fileno())


@contextlib.contextmanager
def _load(computing: int, writing: int, folder: Path) -> Iterator[None]:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_compute, daemon=True) for _ in range(computing)]
    processes += [context.Process(target=_write, args=(folder,), daemon=True) for _ in range(writing)]
    for process in processes:
        process.start()
    time.sleep(1.0 if processes else 0.0)
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def _delays(folder: Path, seconds: float) -> list[float]:
    """Seconds from each edit to the disk, while the COCO file is saved again and again."""
    store = Store.open(folder, fallback=folder, names=[f"{i:012d}.jpg" for i in range(1, 100)])
    delays: list[float] = []
    try:
        end = time.monotonic() + seconds
        for number in range(10**9):
            if time.monotonic() > end:
                return delays
            name = store.names[number % len(store.names)]
            new = Annotation(store.new_id(), 1, rectangle(10, 10, 90, 60 + number % 400))
            state = store.load(name)
            started = time.monotonic()
            store.put(name, PhotoState((640, 480), (*state.annotations, new), mark=Mark(not state.done)))
            if number % 20 == 0:
                store.save()
            while not store.is_kept:
                time.sleep(0.001)
            delays.append(time.monotonic() - started)
            time.sleep(PAUSE)
        return delays
    finally:
        store.close()


def measure(args: argparse.Namespace) -> list[Record]:
    """Milliseconds: half of the edits, 99 of 100, and the slowest; and how many of 1,000 were later than promised."""
    records: list[Record] = []
    processors = os.cpu_count() or 1
    loads = {"in peace": (0, 0), "busy processors": (2 * processors, 0), "busy disk too": (2 * processors, 2)}
    for name, (computing, writing) in loads.items():
        with tempfile.TemporaryDirectory(dir=args.folder) as temporary:
            folder = Path(temporary)
            make_file(folder / "annotations.json", 3000, args.annotations)
            with _load(computing, writing, folder):
                delays = np.array(_delays(folder, args.seconds))
        late = 1000 * float(np.mean(delays > PROMISE))
        records += [
            Record(f"{name}: median of {len(delays)}", 1000 * float(np.median(delays)), "ms"),
            Record(f"{name}: 99 of 100", 1000 * float(np.quantile(delays, 0.99)), "ms"),
            Record(f"{name}: slowest", 1000 * float(delays.max()), "ms"),
            Record(f"{name}: later than {PROMISE} s", late, "of 1,000", aim="none", met=late == 0),
        ]
    return records


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--annotations", type=int, default=60_000)
    parser.add_argument("--seconds", type=float, default=60.0, help="for each load")
    parser.add_argument("--folder", type=Path, help="on the disk to measure (default: that of temporary files)")


if __name__ == "__main__":
    main("durability", measure, _arguments)
