from __future__ import annotations

import json
from pathlib import Path

import pytest

from dataset import json_records
from dataset.formats import coco
from dataset.formats.base import Dataset

FILE = {
    "images": [{"id": n, "file_name": f"{n}.jpg", "width": 64, "height": 48} for n in (3, 1, 2, 2)],
    "annotations": [
        {"id": n, "image_id": image, "category_id": 1, "bbox": [n, 1, 2, 3], "odd": "{"}
        for n, image in enumerate((1, 2, 3, 1, 9, "3", None))
    ],
    "categories": [{"id": 1, "name": "cup"}, {"id": 2, "name": "cup"}],
}


def test_a_file_whose_annotations_are_read_one_by_one_holds_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(text: str) -> Dataset:
        (tmp_path / "x.json").write_text(text)
        return coco.read(tmp_path / "x.json", tmp_path)

    for change in ({}, {"images": FILE["images"][:3]}, {"info": [{}, {}]}):
        text = json.dumps(FILE | change)
        monkeypatch.setattr(json_records, "MIN_BYTES", 1 << 30)
        whole = read(text)
        monkeypatch.setattr(json_records, "MIN_BYTES", 1)
        assert read(text) == whole
        assert whole.object_count >= 4
    damaged = read(json.dumps(FILE).replace('"odd": "{"', '"odd": NaN'))
    assert damaged.object_count >= 3, "text that only some readers take"
