"""A project to open: three photos, and a COCO file for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from annotator.core.annotation import Annotation
from annotator.core.store.store import Store
from dataset.geometry import rectangle

NAMES = ["a.jpg", "b.jpg", "sub/c.jpg"]
Opener = Callable[..., Store]

FILE = {
    "info": {"odd": 1},
    "images": [
        {"id": 7, "file_name": "a.jpg", "width": 64, "height": 48, "odd": [1]},
        {"id": 9, "file_name": "elsewhere/c.jpg", "width": 64, "height": 48},
        {"id": 3, "file_name": "gone.jpg", "width": 5, "height": 5},
    ],
    "annotations": [
        {"id": 1, "image_id": 7, "category_id": 1, "segmentation": [[1, 1, 9, 1, 9, 9.123456]], "odd": {"x": None}},
        {"id": 2, "image_id": 9, "category_id": 1, "bbox": [1, 2, 3, 4]},
        {"id": 4, "image_id": 3, "category_id": 8, "bbox": [1, 2, 3, 4]},
        {"id": 5, "image_id": 7, "category_id": 1, "bbox": [5, 5, 5, 5]},
    ],
    "categories": [{"id": 1, "name": "cat", "odd": "yes"}],
}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of three photos."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    for name in NAMES:
        (folder / name).write_bytes(b"photo")
    return folder


@pytest.fixture
def open_store(tmp_path: Path, photos: Path) -> Iterator[Opener]:
    """Open the project; what a test leaves open is closed."""
    opened: list[Store] = []

    def open_it(file: Path | None = None, **options: Any) -> Store:
        opened.append(Store.open(photos, file, fallback=tmp_path / "fallback", **options))
        return opened[-1]

    yield open_it
    for store in opened:
        store.close()


@pytest.fixture
def file(photos: Path) -> Path:
    """A COCO file for the photos, one of them missing."""
    path = photos / "annotations.json"
    path.write_text(json.dumps(FILE, indent=1))
    return path


def box(store: Store, x: float = 10) -> Annotation:
    return Annotation(store.new_id(), 1, rectangle(x, 10, x + 5, 20))


def saved(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text())
