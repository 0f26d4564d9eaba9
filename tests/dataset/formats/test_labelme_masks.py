"""Shapes that labelme's own model draws: a PNG of the box that they fill."""

from __future__ import annotations

import base64
import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from dataset.formats.labelme import reading
from dataset.geometry import to_parts

if TYPE_CHECKING:
    from pathlib import Path

    from dataset.formats.base import Dataset

RING = np.zeros((41, 31), np.uint8)
RING[5:35, 5:25] = 1
RING[10:20, 10:20] = 0


def _png(pixels: np.ndarray, **options: Any) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", **options)
    return base64.b64encode(file.getvalue()).decode()


def _read(folder: Path, *shapes: dict[str, Any]) -> Dataset:
    listed = [{"label": "cat", "group_id": None, "description": "", "flags": {}, **shape} for shape in shapes]
    body = {"version": "5.5.0", "shapes": listed, "imagePath": "1.jpg", "imageHeight": 128, "imageWidth": 192}
    (folder / "1.json").write_text(json.dumps(body))
    return reading.read(folder, folder)


@pytest.mark.parametrize(
    "pixels", [RING, RING * 255, RING.astype(bool), np.dstack([RING] * 3)], ids=["index", "grey", "bits", "colour"]
)
def test_a_mask_is_outlined_with_its_holes(tmp_path: Path, pixels: np.ndarray) -> None:
    # Pixels are centred on whole numbers there: (130, 100) is the last one.
    mask = {"shape_type": "mask", "points": [[100.0, 60.0], [130.0, 100.0]], "mask": _png(pixels)}
    box = {"shape_type": "rectangle", "points": [[1, 2], [5, 8]]}
    data = _read(tmp_path, mask, box)
    found, other = data.images[0].objects
    assert found.shape.bounds == (105, 65, 125, 95)
    assert found.shape.area == RING.sum() == 500
    assert [len(part) for part in to_parts(found.shape)] == [2]
    assert (found.is_box, other.is_box) == (False, True)
    assert data.problems == ()


def test_a_mask_and_a_polygon_of_one_group_are_one_object(tmp_path: Path) -> None:
    mask = {"shape_type": "mask", "points": [[100, 60], [130, 100]], "mask": _png(RING), "group_id": 4}
    polygon = {"shape_type": "polygon", "points": [[1, 2], [5, 2], [5, 8]], "group_id": 4}
    (found,) = _read(tmp_path, mask, polygon).images[0].objects
    assert found.shape.area == 500 + 12
    assert found.extra == {}


def test_a_turned_rectangle_is_its_corners(tmp_path: Path) -> None:
    corners = [[10, 50], [50, 10], [70, 30], [30, 70]]
    (found,) = _read(tmp_path, {"shape_type": "oriented_rectangle", "points": corners}).images[0].objects
    assert to_parts(found.shape)[0][0].tolist() == corners
    assert not found.is_box


def test_masks_that_are_none_are_counted(tmp_path: Path) -> None:
    points = [[100, 60], [130, 100]]
    damaged = [
        {"points": points},
        {"points": points, "mask": 7},
        {"points": points, "mask": "x"},
        {"points": points, "mask": base64.b64encode(b"GIF89a").decode()},
        {"points": points, "mask": _png(RING)[:40]},
        {"points": points, "mask": _png(RING * 0)},
        {"points": points[:1], "mask": _png(RING)},
        {"points": points, "mask": _png(np.zeros((16_000, 16_000), bool))},  # in 31 KB
    ]
    shapes = [{"shape_type": "mask", **shape} for shape in damaged]
    data = _read(tmp_path, *shapes, {"shape_type": "polygon", "points": [[1, 2], [5, 2], [5, 8]]})
    assert len(data.images[0].objects) == 1
    assert data.problems == ("8 shapes cannot be read and are left out.",)
