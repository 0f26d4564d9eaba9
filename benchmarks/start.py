"""Process start to first photo painted, for folders of 10 and 10,000 photos; the same for peers that are given.

And to the first suggestions painted, on the sample photos, which need no torch.

`python -m benchmarks.start [--labelme PYTHON SCRIPT] [--xanylabeling PYTHON SCRIPT]`: the interpreter of an environment
that has the peer, and a script that opens the folder it is given and prints seconds as "import 1.23 ... 0.45".
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.photos import make_folder
from benchmarks.processes import environment
from benchmarks.report import Record, main
from resources import SAMPLES

if TYPE_CHECKING:
    import argparse

SIZES = (10, 10_000)
RUNS = 5
SUGGESTION = 1.5  # seconds


def measure(args: argparse.Namespace) -> list[Record]:
    """Median seconds of several runs, ours and the peers' in turn."""
    records = []
    peers = {"labelme": args.labelme, "X-AnyLabeling": args.xanylabeling}
    with tempfile.TemporaryDirectory() as temporary:
        for size in SIZES:
            folder = make_folder(Path(temporary) / str(size), size)
            ours: list[float] = []
            theirs: dict[str, list[float]] = {name: [] for name, command in peers.items() if command}
            for _ in range(args.runs):
                ours.append(_ours(folder, Path(temporary), "photo"))
                for name, seconds in theirs.items():
                    seconds.append(_peer(peers[name], folder))
            value = statistics.median(ours)
            records.append(Record(f"start to first photo, {size} photos", value, "s"))
            for name, seconds in theirs.items():
                peer = statistics.median(seconds)
                large = size == max(SIZES)
                aim, met = ("ratio under 0.5", value / peer < 0.5) if large else ("", None)
                records.append(Record(f"  the same, {name}", peer, "s", "ours / theirs", value / peer, aim, met))
        samples = Path(temporary) / "samples"
        shutil.copytree(SAMPLES, samples, ignore=shutil.ignore_patterns("*.json", "*.md"))
        seconds = [_ours(samples, Path(temporary), "suggestion") for _ in range(args.runs)]
        value, aim = statistics.median(seconds), f"under {SUGGESTION} s"
        records.append(Record("start to first suggestion, samples", value, "s", aim=aim, met=value < SUGGESTION))
    return records


def _ours(folder: Path, home: Path, until: str) -> float:
    start = time.time()
    command = [sys.executable, "-m", "benchmarks.start", "--child", until, str(folder)]
    done = subprocess.run(command, env=environment(home), capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1]) - start


def _peer(command: list[str], folder: Path) -> float:
    variables = environment(folder.parent)
    done = subprocess.run([*command, str(folder)], env=variables, capture_output=True, text=True, check=False)
    line = next(line for line in done.stdout.splitlines() if " import " in line)
    return sum(float(number) for number in re.findall(r"(?<=\s)\d+\.\d+", line))


def child(until: str, folder: Path) -> None:
    """Be the application, print the time at which the first photo or suggestion has been painted, and end."""
    from PySide6.QtCore import QEvent, QObject, QTimer  # noqa: PLC0415 - counted from the start of this process
    from PySide6.QtWidgets import QApplication  # noqa: PLC0415

    from annotator.app import Application  # noqa: PLC0415

    class Painted(QObject):
        def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint and is_there():
                QTimer.singleShot(0, finish)
            return False

    def is_there() -> bool:
        document = application.session.document
        return bool(there if until == "photo" else document and document.suggestions)

    def finish() -> None:
        assert "torch" not in sys.modules, "torch came before it"
        print(time.time(), flush=True)
        os._exit(0)  # the rest is not measured

    QApplication.setApplicationName("Annotator")
    qt = QApplication(sys.argv[:1])
    application = Application(qt)
    there: list[object] = []  # the first photo's pixels
    application.session.photo_changed.connect(lambda photo: there.append(photo) if photo else None)
    painted = Painted()
    application.window.canvas.viewport().installEventFilter(painted)
    application.start(folder)
    qt.exec()


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--labelme", nargs=2, metavar=("PYTHON", "SCRIPT"))
    parser.add_argument("--xanylabeling", nargs=2, metavar=("PYTHON", "SCRIPT"))
    parser.add_argument("--runs", type=int, default=RUNS)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], Path(sys.argv[3]))
    else:
        main("start", measure, _arguments)
