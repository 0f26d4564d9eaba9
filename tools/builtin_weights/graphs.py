"""Makes the graphs of the shipped weights, in 8 bits, calibrated on photos that were trained on.

python -m tools.builtin_weights.graphs DATA/coco_all/train.json DATA/coco_person/train.json
"""

from __future__ import annotations

import argparse
import random
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dataset.coco.reader import DataError, Source, load_coco
from dataset.pictures.images import PhotoError, read_photo
from model.checkpoints.names import BUILTIN_FILE, BUILTIN_GRAPHS
from model.checkpoints.weights import load
from model.graphs.export import export
from model.graphs.quantize import quantize
from model.inference.graph_file import write

if TYPE_CHECKING:
    from numpy.typing import NDArray

PHOTOS = 8
"""Of each file."""
KEPT = ("classify",)
"""Parts in floats. The box head has so few units that this costs no time that can be measured, and of persons box AP is
0.501 rather than 0.497 by it, keypoint AP, by the order of scores, 0.399 rather than 0.390 (0.502 and 0.406 in floats).
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Return 0, or 2 with one sentence on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.builtin_weights.graphs", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("annotations", type=Path, nargs="+", metavar="COCO.json", help="photos to calibrate on")
    parser.add_argument("--weights", type=Path, default=BUILTIN_FILE, help="checkpoint")
    parser.add_argument("--output", type=Path, default=BUILTIN_GRAPHS, help="file to write")
    args = parser.parse_args(arguments)
    try:
        photos = [photo for file in args.annotations for photo in _some(file)]
        floats = export(load(args.weights))
        kept = {name: floats.parts[name] for name in KEPT}
        rounded = quantize(floats, photos)
        write(args.output, replace(rounded, parts=rounded.parts | kept))
    except (DataError, PhotoError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _some(file: Path) -> list[NDArray]:
    """Return a few photos of a COCO file, the same ones each time."""
    folder = Source(file).folder()
    names = sorted(image["file_name"] for image in load_coco(file)["images"])
    return [read_photo(folder / name) for name in random.Random(0).sample(names, min(PHOTOS, len(names)))]  # noqa: S311


if __name__ == "__main__":
    sys.exit(main())
