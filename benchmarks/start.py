"""Process start to first photo painted, for folders of 10 and 10,000 photos; the same for peers that are given.

`python -m benchmarks.start [--labelme PYTHON SCRIPT] [--xanylabeling PYTHON SCRIPT]`: the interpreter of an environment
that has the peer, and a script that opens the folder it is given and prints seconds as "import 1.23 ... 0.45".
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.photos import make_folder
from benchmarks.report import Record, main

if TYPE_CHECKING:
    import argparse

SIZES = (10, 10_000)
RUNS = 5


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
                ours.append(_ours(folder, Path(temporary)))
                for name, seconds in theirs.items():
                    seconds.append(_peer(peers[name], folder))
            value = statistics.median(ours)
            records.append(Record(f"start to first photo, {size} photos", value, "s"))
            for name, seconds in theirs.items():
                peer = statistics.median(seconds)
                large = size == max(SIZES)
                aim, met = ("ratio under 0.5", value / peer < 0.5) if large else ("", None)
                records.append(Record(f"  the same, {name}", peer, "s", "ours / theirs", value / peer, aim, met))
    return records


def _ours(folder: Path, home: Path) -> float:
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
    }
    start = time.time()
    command = [sys.executable, "-m", "benchmarks.start", "--child", str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1]) - start


def _peer(command: list[str], folder: Path) -> float:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([*command, str(folder)], env=environment, capture_output=True, text=True, check=False)
    line = next(line for line in done.stdout.splitlines() if " import " in line)
    return sum(float(number) for number in re.findall(r"(?<=\s)\d+\.\d+", line))


def child(folder: Path) -> None:
    """Be the application, print the time at which the first photo has been painted, and end."""
    from PySide6.QtCore import QEvent, QObject, QTimer  # noqa: PLC0415 - counted from the start of this process
    from PySide6.QtWidgets import QApplication  # noqa: PLC0415

    from annotator.app import Application  # noqa: PLC0415

    class Painted(QObject):
        def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint and there:
                QTimer.singleShot(0, finish)
            return False

    def finish() -> None:
        assert "torch" not in sys.modules, "torch came before the first photo"
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
        child(Path(sys.argv[2]))
    else:
        main("start", measure, _arguments)
