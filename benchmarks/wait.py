"""With 3 seconds of looking per photo, how long a person waits for suggestions at each next photo."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.photos import real_folder, validation_names
from benchmarks.report import Record, main
from benchmarks.running import application, wait, wait_until

if TYPE_CHECKING:
    import argparse

LOOKING = 3.0  # seconds
PHOTOS = 20


def measure(args: argparse.Namespace) -> list[Record]:
    """Milliseconds of waiting, at the median and the 95th percentile."""
    waits: list[float] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = real_folder(Path(temporary) / "photos", args.photos + 1, validation_names())
        with application(folder, Path(temporary)) as running:
            session = running.session
            running.session.set_threshold(0.05)  # so that a pool is seen as soon as it is there
            first = wait_until(lambda: session.document and session.document.has_pool)
            for _ in range(args.photos):
                wait(LOOKING)
                session.go(1)
                waits.append(wait_until(lambda: session.document and session.document.has_pool))
    milliseconds = 1000 * np.array(waits)
    median, p95 = float(np.median(milliseconds)), float(np.percentile(milliseconds, 95))
    return [
        Record("first photo, from an unstarted model", 1000 * first, "ms"),
        Record("next photo: median wait for suggestions", median, "ms", aim="0: there with the photo", met=median < 17),
        Record("next photo: 95th percentile", p95, "ms", aim="0: there with the photo", met=p95 < 17),
    ]


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--photos", type=int, default=PHOTOS)


if __name__ == "__main__":
    main("wait", measure, _arguments)
