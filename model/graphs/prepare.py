"""Make the graphs of weights and keep them, and measure which engine is the fastest with them on this computer.

python -m model.graphs.prepare [--photos FOLDER] WEIGHTS [WEIGHTS]
"""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dataset.folder import FolderError, list_images
from dataset.i18n import tr
from dataset.pictures.images import PhotoError, read_photo, read_within
from dataset.regular_files import read_regular
from model.checkpoints.weights import load
from model.graphs.export import UnsupportedError, export
from model.graphs.rounding import ENOUGH, judge_by_agreement, round_graphs, some_of
from model.graphs.timing import milliseconds
from model.inference.engines.engine_record import EngineRecord, machine, read_record, write_record
from model.inference.graph_cache import places_of, tidy
from model.inference.graph_file import GraphFileError, Graphs, read, write
from model.inference.predictor import Predictor
from resources import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from model.checkpoints.checkpoint import Checkpoint
    from model.graphs.rounding import Comparison
    from model.inference.graph_cache import GraphPlaces
    from model.inference.segmenter import Segmenter

SAMPLE = SAMPLES / "group.jpg"
"""What is timed where no other photo is known."""
BASE_MEMORY, MEMORY = 1_500_000_000, 17
"""Bytes that calibrating takes, and bytes for each of the graphs."""
MAX_PIXELS = 4_000_000
"""Pixels of a photo, of which sixteen are kept; no network looks at as many."""


def prepare(
    weights: str | Path,
    photos: Sequence[NDArray[np.uint8]] = (),
    judge: Callable[[Segmenter, Segmenter], Comparison] | None = None,
    *,
    times: bool = True,
) -> bool:
    """Make what is missing of the graphs of weights, and of what is known of them; return whether there are any then.

    Args:
        weights: A name or file.
        photos: [height, width, 3] RGB to calibrate graphs in 8 bits on; ENOUGH of them, or there will be none.
        judge: Says whether these are as good as those in floats; otherwise their agreement on `photos` does.
        times: Whether the engines are timed.

    Raises:
        model.checkpoints.weights.WeightsError: The weights cannot be used.
        OSError: The graphs cannot be written.
    """
    places = places_of(weights)
    if places is None:
        return False
    places.record.parent.mkdir(parents=True, exist_ok=True)
    record = read_record(places.record) or EngineRecord(str(weights), machine())
    floats = None
    if not places.is_shipped:
        try:
            floats = _floats(weights, places)
        except UnsupportedError:
            return False  # torch goes on computing
        if record.rounding is not None and record.rounding.used and not places.rounded.is_file():
            record = replace(record, rounding=None)
        if record.rounding is None and len(photos) >= ENOUGH and _has_memory(places.floats.stat().st_size):
            rounded, rounding = round_graphs(floats, photos, judge or judge_by_agreement(photos))
            if rounded is not None:
                write(places.rounded, rounded)
            record = replace(record, rounding=rounding, milliseconds={})
            write_record(places.record, record)
    tidy(places.record.parent)
    if times and (record.machine != machine() or not record.milliseconds):
        photo = photos[0] if len(photos) else read_photo(SAMPLE)
        record = replace(record, machine=machine(), milliseconds=_times(load(weights), places, record, floats, photo))
        write_record(places.record, record)
    return True


def _has_memory(size: int) -> bool:
    """Return whether the memory that is free suffices to calibrate graphs of so many bytes; where nobody knows, yes.

    At its peak it takes 2.1 GB with the builtin model (39 MB), and 4.5 GB with ResNet-50 (178 MB).
    """
    try:
        lines = read_regular("/proc/meminfo").decode().splitlines()
        free = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return True
    return 1024 * free > BASE_MEMORY + MEMORY * size


def _floats(weights: str | Path, places: GraphPlaces) -> Graphs:
    """Return the graphs in floats, made if they are missing or damaged.

    Raises:
        UnsupportedError: The network has a layer that no graph has.
    """
    with suppress(GraphFileError, OSError):
        return read(places.floats)
    graphs = export(load(weights))
    write(places.floats, graphs)
    return graphs


def _times(
    checkpoint: Checkpoint, places: GraphPlaces, record: EngineRecord, floats: Graphs | None, photo: NDArray[np.uint8]
) -> dict[str, float]:
    """Return the time of each engine for a photo, by its name; of those that cannot run, none."""
    engines = {"torch": Predictor(checkpoint, "cpu")}
    if places.is_shipped or (record.rounding is not None and record.rounding.used):
        with suppress(GraphFileError, OSError):
            engines["int8"] = Predictor(read(places.rounded), "cpu")
    if floats is not None:
        engines["float32"] = Predictor(floats, "cpu")
    return milliseconds(engines, photo)


def photos_of(folder: Path) -> list[NDArray[np.uint8]]:
    """Return photos of a folder to calibrate on, as a model is given them; none where they are too few."""
    try:
        names = list_images(folder)
    except FolderError:
        return []
    return some_photos([folder / name for name in names])


def some_photos(files: Sequence[Path]) -> list[NDArray[np.uint8]]:
    """Return photos to calibrate on, ENOUGH of those that can be read; none where these are fewer."""
    photos: list[NDArray[np.uint8]] = []
    for file in some_of(files, 2 * ENOUGH) if len(files) >= ENOUGH else ():
        with suppress(PhotoError):
            photos.append(read_within(file, MAX_PIXELS))
        if len(photos) == ENOUGH:
            return photos
    return []


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare all weights that are named; 0 if there are graphs of all of them then."""
    parser = argparse.ArgumentParser(prog="python -m model.graphs.prepare", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help=tr("photos to calibrate graphs in 8 bits on"))
    parser.add_argument("weights", nargs="+", metavar="WEIGHTS")
    args = parser.parse_args(arguments)
    photos = photos_of(args.photos) if args.photos else []
    made = [prepare(weights, photos) for weights in args.weights]
    return 0 if all(made) else 1


if __name__ == "__main__":
    sys.exit(main())
