"""Opening and saving a COCO file of train2017's size, against pycocotools in the same run."""

from __future__ import annotations

import json
import multiprocessing
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from annotator.core.annotation import Annotation
from annotator.core.photo_state import PhotoState
from annotator.core.store.store import Store
from benchmarks.report import Record, main, peak_memory
from dataset.geometry import rectangle

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable

PHOTOS, ANNOTATIONS = 118_287, 860_001  # of train2017


def make_file(path: Path, photos: int, annotations: int) -> None:
    """Write a COCO file whose records are like train2017's."""
    rng = np.random.default_rng(0)
    outlines = [_outline(rng, int(n)) for n in rng.integers(8, 50, 200)]
    encode = msgspec.json.encode

    def images() -> Iterable[bytes]:
        for i in range(1, photos + 1):
            name = f"{i:012d}.jpg"
            url = f"http://images.cocodataset.org/train2017/{name}"
            flickr = "http://farm9.staticflickr.com/8186/8119368305_4e622c8349_z.jpg"
            record = {"license": 3, "file_name": name, "coco_url": url, "height": 480, "width": 640}
            yield encode({**record, "date_captured": "2013-11-14 11:18:45", "flickr_url": flickr, "id": i})

    def objects() -> Iterable[bytes]:
        for i in range(annotations):
            record = {"segmentation": [outlines[i % 200]], "area": 1234.5, "iscrowd": 0, "image_id": i % photos + 1}
            yield encode({**record, "bbox": [1.5, 2.5, 100.1, 200.2], "category_id": i % 80 + 1, "id": i + 1})

    categories = [{"supercategory": "thing", "id": i, "name": f"thing {i}"} for i in range(1, 81)]
    with path.open("wb") as file:
        file.write(b'{"info":{},"licenses":[],"images":[' + b",".join(images()))
        file.write(b'],"annotations":[' + b",".join(objects()))
        file.write(b'],"categories":' + encode(categories) + b"}")


def _outline(rng: np.random.Generator, points: int) -> list[float]:
    """Return a ring of so many points around a place, which does not cross itself."""
    angles = np.sort(rng.uniform(0, 2 * np.pi, points))
    radii = rng.uniform(0.6, 1) * rng.uniform(15, 110) * rng.uniform(0.8, 1, points)
    ring = rng.uniform(120, 360, 2) + radii[:, None] * np.column_stack((np.cos(angles), np.sin(angles)))
    return np.round(ring, 2).ravel().tolist()


def _ours(path: Path, photos: int) -> dict[str, float]:
    names = [f"{i:012d}.jpg" for i in range(1, photos + 1)]
    started = time.perf_counter()
    store = Store.open(path.parent, path, names=names, fallback=path.parent / "fallback")
    opened = time.perf_counter()
    for name in names[:100]:
        store.load(name)
    loaded = time.perf_counter()
    record = store.load(names[0])
    new = Annotation(store.new_id(), 1, rectangle(10, 10, 90, 60))
    before_put = time.perf_counter()
    store.put(names[0], PhotoState((640, 480), (*record.annotations, new)))
    put = time.perf_counter()
    store.save().result()
    saved = time.perf_counter()
    store.close()
    return {
        "open": opened - started,
        "load": (loaded - opened) / 100,
        "put": put - before_put,
        "save": saved - put,
        "memory": peak_memory(),
    }


def _pycocotools(path: Path, _photos: int) -> dict[str, float]:
    from pycocotools.coco import COCO  # noqa: PLC0415

    started = time.perf_counter()
    peer = COCO(str(path))
    opened = time.perf_counter()
    with path.with_name("peer.json").open("w") as file:
        json.dump(peer.dataset, file)
    return {"open": opened - started, "save": time.perf_counter() - opened, "memory": peak_memory()}


def _alone(function: Callable[[Path, int], dict[str, float]], *args: Any) -> dict[str, float]:  # noqa: ANN401
    """Run it in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, args)


def measure(args: argparse.Namespace) -> list[Record]:
    """Seconds to open and to save, milliseconds for a photo, megabytes."""
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "annotations.json"
        make_file(path, args.photos, args.annotations)
        peer = _alone(_pycocotools, path, args.photos)
        ours = _alone(_ours, path, args.photos)
        megabytes = path.stat().st_size / 1e6
    against = f"pycocotools {{:.1f}} {{}}, {megabytes:.0f} MB"
    return [
        Record(
            "open the file",
            ours["open"],
            "s",
            against.format(peer["open"], "s"),
            ours["open"] / peer["open"],
            "about 2 s, and under half",
            ours["open"] < min(3.0, peer["open"] / 2),
        ),
        Record(
            "save one edit",
            ours["save"],
            "s",
            against.format(peer["save"], "s (json.dump)"),
            ours["save"] / peer["save"],
            "under half",
            ours["save"] < peer["save"] / 2,
        ),
        Record(
            "memory at the most",
            ours["memory"],
            "MB",
            against.format(peer["memory"], "MB"),
            ours["memory"] / peer["memory"] if peer["memory"] else None,
            "under half",
            ours["memory"] < peer["memory"] / 2,
        ),
        Record("load a photo", 1000 * ours["load"], "ms", aim="under 5 ms", met=ours["load"] < 0.005),
        Record("put a photo", 1000 * ours["put"], "ms", aim="under 5 ms", met=ours["put"] < 0.005),
    ]


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--photos", type=int, default=PHOTOS)
    parser.add_argument("--annotations", type=int, default=ANNOTATIONS)


if __name__ == "__main__":
    main("store", measure, _arguments)
