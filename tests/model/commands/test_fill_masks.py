from __future__ import annotations

import json
from shutil import copy
from typing import TYPE_CHECKING, Any

import pytest
from pycocotools.coco import COCO

from model.checkpoints import checkpoint
from model.checkpoints.checkpoint import Checkpoint
from model.commands import fill_masks as masks
from model.network.build import build
from tests.model.conftest import CATEGORIES, config

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("repeatable")


@pytest.fixture
def boxes_only(coco_file: Callable[..., Path]) -> Path:
    path = coco_file(2, info={"by": "us"})
    data = json.loads(path.read_text())
    for record in data["annotations"]:
        for key in ("segmentation", "keypoints", "num_keypoints", "area", "iscrowd"):
            record.pop(key, None)
        record["note"] = "kept"
    data["categories"] = [
        {"id": 1, "name": "lady", "supercategory": "person"},
        {"id": 7, "name": "unheard of", "supercategory": "thing"},
    ]
    path.write_text(json.dumps(data))
    return path


def command(path: Path, weights: Path, output: Path, *more: str) -> int:
    return masks.main([str(path), "--weights", str(weights), "--output", str(output), "--device", "cpu", *more])


def test_every_box_gets_a_mask_and_persons_get_keypoints(boxes_only: Path, tiny_weights: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.json"
    assert command(boxes_only, tiny_weights, output) == 0
    before, coco = json.loads(boxes_only.read_text()), COCO(output)
    after: Any = coco.dataset
    assert after["info"] == {"by": "us"}
    assert after["categories"][0]["keypoints"]
    assert "keypoints" not in after["categories"][1]
    made = 0
    for old, new in zip(before["annotations"], after["annotations"], strict=True):
        assert {k: new[k] for k in old} == old  # the person's box, and what we do not know, unchanged
        if "segmentation" in new:
            made += 1
            assert coco.annToMask(new).sum() > 0
            assert new["area"] > 0
        assert ("keypoints" in new) == (new["category_id"] == 1)
    assert made > 0


@pytest.mark.parametrize("ring", [[], [3, 4], [10, 10, 40, 30]], ids=["nothing", "a point", "two corners"])
def test_a_ring_that_stands_for_a_box_is_no_mask(
    boxes_only: Path, tiny_weights: Path, tmp_path: Path, ring: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    plain, ringed = tmp_path / "plain.json", tmp_path / "ringed.json"
    assert command(boxes_only, tiny_weights, plain) == 0
    said = capsys.readouterr().out
    data = json.loads(boxes_only.read_text())
    for record in data["annotations"]:
        record["segmentation"] = [ring]
    boxes_only.write_text(json.dumps(data))
    assert command(boxes_only, tiny_weights, ringed) == 0
    out, err = capsys.readouterr()
    assert out.replace("ringed", "plain") == said
    assert "no polygons" not in err
    masks_of = [[a.get("segmentation") for a in json.loads(f.read_text())["annotations"]] for f in (plain, ringed)]
    assert [mask or [ring] for mask in masks_of[0]] == masks_of[1]
    data["annotations"][0]["bbox"] = None
    boxes_only.write_text(json.dumps(data))
    assert command(boxes_only, tiny_weights, tmp_path / "none.json") == 0


def test_a_run_that_was_stopped_goes_on(
    boxes_only: Path,
    tiny_weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole, parts = tmp_path / "whole.json", tmp_path / "parts.json"
    assert command(boxes_only, tiny_weights, whole) == 0
    said = capsys.readouterr().err
    real, seen = masks._fill_photo, list[object]()

    def stopped(*given: object) -> object:
        if len(seen) == 1:
            raise KeyboardInterrupt
        seen.append(given)
        return real(*given)  # pyrefly: ignore

    monkeypatch.setattr(masks, "_fill_photo", stopped)
    assert command(boxes_only, tiny_weights, parts) == 130
    assert "goes on from here" in capsys.readouterr().err
    assert (parts.exists(), parts.with_name("parts.json.partial").exists()) == (False, True)
    seen.clear()
    assert command(boxes_only, tiny_weights, parts) == 0
    first, _, rest = capsys.readouterr().err.partition("\n")
    assert first == "1 of 2 photos are done already."
    assert [line for line in rest.splitlines() if "a second" not in line] == [
        line for line in said.splitlines() if "a second" not in line
    ]
    assert json.loads(parts.read_text()) == json.loads(whole.read_text())
    assert not list(tmp_path.glob("*.partial"))


def test_masks_that_are_there_stay(coco_file: Callable[..., Path], tiny_weights: Path, tmp_path: Path) -> None:
    path = coco_file(1)
    assert command(path, tiny_weights, tmp_path / "same.json") == 0
    before = json.loads(path.read_text())
    assert json.loads((tmp_path / "same.json").read_text()) == before
    assert command(path, tiny_weights, tmp_path / "new.json", "--replace") == 0
    after = json.loads((tmp_path / "new.json").read_text())
    assert after["annotations"] != before["annotations"]
    assert [a["bbox"] for a in after["annotations"]] == [a["bbox"] for a in before["annotations"]]


def test_bad_input(boxes_only: Path, tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(boxes_only, tiny_weights, boxes_only) == 2
    assert "exists" in capsys.readouterr().err
    assert command(tmp_path / "none.json", tiny_weights, tmp_path / "o.json") == 2
    assert "cannot be read" in capsys.readouterr().err
    boxes_only.write_text("{}")
    assert command(boxes_only, tiny_weights, tmp_path / "o.json") == 2
    assert "COCO" in capsys.readouterr().err
    assert not (tmp_path / "o.json").exists()


def edited(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Change what is in a COCO file."""
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    return path


BAD_BOXES: tuple[list[float], ...] = (
    [500, 10, 20, 20],
    [10, -60, 20, 20],
    [96, 0, 10, 10],
    [10, 10, 0, 20],
    [10, 10, 20, -5],
    [0, 0, 1e300, 10],
    [10**400, 0, 5, 5],
)


@pytest.mark.parametrize("box", BAD_BOXES)
def test_what_is_no_box_in_the_photo_stays_as_it_is(
    boxes_only: Path, tiny_weights: Path, tmp_path: Path, box: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    edited(boxes_only, lambda data: data["annotations"][0].update(bbox=box))  # a person's
    output = tmp_path / "out.json"
    assert command(boxes_only, tiny_weights, output) == 0
    assert "outside their photo or have no area: 1." in capsys.readouterr().err
    before, after = (json.loads(path.read_text())["annotations"] for path in (boxes_only, output))
    assert after[0] == before[0]
    assert "keypoints" in after[2]


BOX = {"id": 9, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}


@pytest.mark.parametrize(
    ("kind", "record", "problem"),
    [
        ("annotations", "text", "an annotation is no record"),
        ("annotations", {"id": 9, "image_id": 1, "category_id": 1}, ""),
        ("annotations", {"category_id": 1, "bbox": [1, 2, 3, 4]}, "annotation None is of no photo"),
        ("annotations", {**BOX, "category_id": [1]}, "is of the class [1], which is none"),
        ("annotations", {**BOX, "category_id": None}, "is of no class"),
        ("annotations", {**BOX, "bbox": [1, 2]}, "has no box"),
        ("annotations", {**BOX, "bbox": [55, float("nan"), 3, 4]}, "has a box that is not finite"),
        ("annotations", {**BOX, "bbox": [55, float("inf"), 3, 4]}, "has a box that is not finite"),
        ("annotations", {**BOX, "keypoints": 5}, "keypoints"),
        ("annotations", {**BOX, "segmentation": "no"}, "the outline of an annotation"),
        ("images", 5, "entry 3 of its images is no record"),
        ("images", {"id": 2, "file_name": "other.png"}, "has the id of another photo"),
        ("categories", "cat", "entry 3 of its categories is no record"),
        ("categories", {"id": 1, "name": "dog"}, "two classes have the id 1: dog"),
        ("categories", {"id": 2, "name": "a", "keypoints": [[]]}, "the keypoints of a are no list of names"),
    ],
)
def test_a_record_that_is_not_understood_stays_and_is_told(
    boxes_only: Path,
    tiny_weights: Path,
    tmp_path: Path,
    kind: str,
    record: Any,
    problem: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    edited(boxes_only, lambda data: data[kind].append(record))
    output = tmp_path / "out.json"
    assert command(boxes_only, tiny_weights, output) == 0
    assert problem in capsys.readouterr().err
    after = json.loads(output.read_text())
    kept = after[kind][-1]
    kept = {key: kept[key] for key in record} if isinstance(record, dict) else kept  # a box may have got keypoints
    assert json.dumps(kept) == json.dumps(record)
    assert any("segmentation" in a for a in after["annotations"][:-1])


def test_a_mask_without_a_pixel_is_none(
    boxes_only: Path, tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = [[20.3 + i, 20.3, 0.01, 0.01] for i in range(4)]

    def change(data: dict[str, Any]) -> None:
        for record, box in zip(data["annotations"], tiny, strict=True):
            record["bbox"] = box

    output = tmp_path / "out.json"
    assert command(edited(boxes_only, change), tiny_weights, output) == 0
    out, err = capsys.readouterr()
    assert out.startswith("0 masks")
    assert "sees nothing in them: 4." in err
    assert all("segmentation" not in record for record in json.loads(output.read_text())["annotations"])


def test_a_photo_that_is_listed_twice_counts_once(
    boxes_only: Path, tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(boxes_only, tiny_weights, tmp_path / "once.json") == 0
    once = capsys.readouterr().out.split()[0]
    edited(boxes_only, lambda data: data["images"].append(data["images"][0]))
    assert command(boxes_only, tiny_weights, tmp_path / "twice.json") == 0
    assert capsys.readouterr().out.split()[0] == once


def test_what_the_model_does_not_know_is_said_once(
    boxes_only: Path, tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edited(boxes_only, lambda data: data["annotations"][3].update(category_id=99))
    edited(boxes_only, lambda data: data["annotations"][2].update(image_id=77))
    assert command(boxes_only, tiny_weights, tmp_path / "out.json") == 0
    err = capsys.readouterr().err
    assert err.count("The model does not know unheard of, category 99:") == 1
    assert "photos that the file does not list: 1." in err


def test_no_photos_no_copy(
    boxes_only: Path, tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, empty = tmp_path / "out.json", tmp_path / "empty"
    empty.mkdir()
    for folder, why in ((tmp_path / "none", "does not exist"), (boxes_only, "is not a folder"), (empty, "None of")):
        assert command(boxes_only, tiny_weights, output, "--images", str(folder)) == 2
        last = capsys.readouterr().err.splitlines()[-1]
        assert why in last
        assert "--images" in last
        assert not output.exists()


def test_photos_that_may_be_several_make_no_copy(
    boxes_only: Path, tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = boxes_only.parent / "images"
    names = [image["file_name"] for image in json.loads(boxes_only.read_text())["images"]]
    several = tmp_path / "several"
    for part in ("one", "two"):
        (several / part).mkdir(parents=True)
        for name in names:
            copy(images / name if images.is_dir() else boxes_only.parent / name, several / part / name)
    assert command(boxes_only, tiny_weights, tmp_path / "out.json", "--images", str(several)) == 2
    assert "Name it with --images" in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()


def test_a_model_without_masks_is_refused(boxes_only: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = config(mask_head="none")
    weights = tmp_path / "plain.safetensors"
    checkpoint.write(weights, Checkpoint(plain, CATEGORIES, build(plain).state_dict()))
    assert command(boxes_only, weights, tmp_path / "out.json") == 2
    assert "plain.safetensors makes no masks" in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()


def test_an_output_that_cannot_be_written_is_refused_before_the_work(
    boxes_only: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for output in (boxes_only / "out.json", tmp_path / ("a" * 300)):
        assert command(boxes_only, tmp_path / "no weights are read", output) == 2
        err = capsys.readouterr().err
        assert "name another file." in err
        assert err.count("\n") == 1


def test_persons_with_masks_get_the_keypoints_that_they_lack(
    coco_file: Callable[..., Path], tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = coco_file(2)
    before = json.loads(path.read_text())["annotations"]
    edited(path, lambda data: data["annotations"][0].pop("keypoints"))
    assert command(path, tiny_weights, tmp_path / "out.json") == 0
    assert capsys.readouterr().out.startswith("0 masks")
    after = json.loads((tmp_path / "out.json").read_text())["annotations"]
    assert len(after[0]["keypoints"]) == 9
    assert after[0]["segmentation"] == before[0]["segmentation"]
    assert after[1:] == before[1:]


@pytest.mark.parametrize("named", [True, False])
def test_keypoints_of_two_kinds_are_not_mixed(
    coco_file: Callable[..., Path],
    tiny_weights: Path,
    tmp_path: Path,
    named: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def change(data: dict[str, Any]) -> None:
        person = data["categories"][0]
        person["keypoints"], person["skeleton"] = ["head", "tail"] if named else [], []
        first, _, second, _ = data["annotations"]
        first["keypoints"] = [1, 2, 2, 3, 4, 2]
        for record in (second, *data["annotations"][1:]):
            for key in ("keypoints", "segmentation"):
                record.pop(key, None)

    path = edited(coco_file(2), change)
    assert command(path, tiny_weights, tmp_path / "out.json") == 0
    assert capsys.readouterr().err.count("No keypoints were added to person") == 1
    before, after = (json.loads(p.read_text()) for p in (path, tmp_path / "out.json"))
    assert after["categories"] == before["categories"]
    assert after["annotations"][0] == before["annotations"][0]
    assert "keypoints" not in after["annotations"][2]


def test_a_run_that_is_stopped_says_so(
    boxes_only: Path,
    tiny_weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(masks, "read_image", stop)
    assert command(boxes_only, tiny_weights, tmp_path / "out.json") == 130
    assert capsys.readouterr().err == "Stopped. The same command goes on from here.\n"
    assert not (tmp_path / "out.json").exists()
