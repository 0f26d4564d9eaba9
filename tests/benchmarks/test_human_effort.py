"""The simulated annotator on a few drawn pictures, with a tiny model and a real round of training."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from benchmarks.effort_plot import draw
from benchmarks.human_effort import Passage, curve, read_tasks, simulate
from tests.tiny_model import write_tiny_model

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

PHOTOS = 3


def write_dataset(folder: Path) -> None:
    (folder / "images").mkdir()
    annotations = []
    for number in range(1, PHOTOS + 1):
        picture = np.full((64, 96, 3), 90, np.uint8)
        x, y = 8 * number, 4 * number
        picture[y : y + 30, x : x + 40] = (200, 60, 40)
        cv2.imwrite(str(folder / "images" / f"{number}.png"), picture)
        square = [x, y, x + 40, y, x + 40, y + 30, x, y + 30]
        annotations.append(
            {"id": number, "image_id": number, "category_id": 5, "segmentation": [square], "iscrowd": 0}
            | {"bbox": [x, y, 40, 30], "area": 1200}
        )
    images = [{"id": n, "file_name": f"{n}.png", "width": 96, "height": 64} for n in range(1, PHOTOS + 1)]
    data = {"images": images, "annotations": annotations, "categories": [{"id": 5, "name": "card"}]}
    (folder / "train.json").write_text(json.dumps(data))


@pytest.mark.slow
def test_a_round_is_trained_and_the_same_command_goes_on(tmp_path: Path) -> None:
    write_dataset(tmp_path)
    work = tmp_path / "work"
    work.mkdir()
    said: list[str] = []
    weights = str(write_tiny_model(tmp_path / "tiny.safetensors"))
    options = ["--epochs", "1", "--short-side", "64", "--device", "cpu"]

    def go(photos: int) -> list[dict[str, float]]:
        passage = simulate(
            tmp_path, work, photos=photos, every=2, seed=0, weights=weights, options=options, say=said.append
        )
        return passage.rows

    assert len(go(2)) == 2
    assert [line.split(",")[0] for line in said if line.startswith("round")] == ["round on 2 photos"]
    labels = json.loads((work / "labels.json").read_bytes())
    assert len(labels["images"]) == len(labels["annotations"]) == 2
    assert [r["photos"] for r in json.loads((work / "passage.json").read_bytes())["rounds"]] == [2]
    rows = go(3)  # the first two are not done again
    assert len(rows) == 3
    assert all(row["by_hand"] == 6 for row in rows)  # four corners and two
    assert all(row["tuned"] >= 1 for row in rows)
    assert len(said) == 4


def test_order_follows_from_the_seed(tmp_path: Path) -> None:
    write_dataset(tmp_path)
    orders = [[t.image["id"] for t in read_tasks(tmp_path, seed)] for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]


def test_the_curve_is_of_the_last_photos_and_is_drawn(tmp_path: Path, qtbot: QtBot) -> None:
    rows = [{"instances": 2.0, "by_hand": 20.0, "parent": 10.0, "tuned": 10.0 - n} for n in range(4)]
    points = curve(Passage(rows=rows), 2)
    assert points[0] == {"photos": 1, "by_hand": 10, "parent": 5, "tuned": 5}
    assert points[3] == {"photos": 4, "by_hand": 10, "parent": 5, "tuned": 3.75}
    draw(points, [2], "cards", tmp_path / "curve.png")
    picture = cv2.imread(str(tmp_path / "curve.png"))
    assert picture is not None
    assert picture.shape == (800, 1440, 3)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 5
