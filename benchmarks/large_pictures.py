"""A picture of 400 megapixels: how long it takes to open, what memory, and how long the window pauses with it."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from benchmarks.report import Record, main, peak_memory
from benchmarks.responsiveness import Pulse
from benchmarks.running import application, wait, wait_until

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

SIDE = 20_000
TILE = 1000
LONGEST = 100.0  # milliseconds that the window may pause


def measure(args: argparse.Namespace) -> list[Record]:
    """Pauses while it is decoded and while it is zoomed and panned, and the most memory of the process."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "photos"
        folder.mkdir()
        picture(TILE).save(folder / "a.png")
        picture(SIDE).save(folder / f"b.{args.suffix}")
        with application(folder, Path(temporary)) as running:
            loaded: list[object] = []
            running.suggester.loaded.connect(loaded.append)
            wait_until(lambda: loaded and running.session.document)
            wait(3)
            pulse, start, large = Pulse(), time.perf_counter(), f"b.{args.suffix}"
            running.session.go_to(large)
            wait_until(lambda: running.session.document and running.session.document.name == large)
            found = [Record("opened after", time.perf_counter() - start, "s"), _pause("while it is decoded", pulse)]
            canvas, bar = running.window.canvas, running.window.canvas.horizontalScrollBar()
            wait(3)

            def many(act: Callable[[], object]) -> None:
                for _ in range(20):
                    act()
                    wait(0.05)

            for name, act in (
                ("zooming in", canvas.zoom_in),
                ("zooming out", canvas.zoom_out),
                ("at 1:1", canvas.actual_size),
                ("panning at 1:1", lambda: bar.setValue(bar.value() + 37)),
            ):
                pulse.take()
                many(act)
                found.append(_pause(name, pulse))
    return [*found, Record("most memory of the process, model included", peak_memory() / 1e3, "GB")]


def picture(side: int) -> Image.Image:
    """Return a square picture of smooth noise."""
    rng = np.random.default_rng(0)
    noise = (Image.fromarray(rng.integers(0, 255, (30, 30, 3), dtype=np.uint8)) for _ in range(8))
    tiles = [small.resize((TILE, TILE), Image.Resampling.BICUBIC) for small in noise]
    made = Image.new("RGB", (side, side))
    for i, (x, y) in enumerate((x, y) for y in range(0, side, TILE) for x in range(0, side, TILE)):
        made.paste(tiles[i % len(tiles)], (x, y))
    return made


def _pause(name: str, pulse: Pulse) -> Record:
    longest = float(pulse.take().max())
    return Record(f"{name}: longest pause", longest, "ms", aim=f"under {LONGEST:.0f} ms", met=longest < LONGEST)


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--suffix", default="jpg", choices=("jpg", "png", "tif"), help="the file format")


if __name__ == "__main__":
    main("large_pictures", measure, _add)
