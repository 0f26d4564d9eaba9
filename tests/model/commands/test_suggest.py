from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shapely
from PIL import Image
from pycocotools.coco import COCO

from dataset import rle
from dataset.coco.codec import read_object
from dataset.coco.reader import read_coco
from dataset.folder import list_images
from dataset.geometry import to_parts
from dataset.pictures import images
from dataset.pictures.images import photo_size
from model.commands import evaluate, suggest
from model.commands.preview import picture_names
from model.distributed import ProcessGroup
from model.evaluation.evaluate import predict
from model.evaluation.ground_truth import read_ground_truth
from model.inference.coco_results import annotation, detection
from model.inference.instance import Instance
from model.inference.predictor import Predictor
from resources import SAMPLES
from tests.model.conftest import CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("repeatable")

SQUARE = np.array([[10, 10], [40, 10], [40, 30], [10, 30]], np.float32)
HOLE = np.array([[20, 15], [20, 25], [30, 25], [30, 15]], np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos = tmp_path / "photos"
    random = np.random.default_rng(0)
    for name in ("2.png", "10.png", "deep/1.png", ".annotator/hidden.png"):
        path = photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 255, (60, 80, 3), np.uint8)).save(path)
    (photos / "notes.txt").write_text("no photo")
    (photos / "3.jpg").write_bytes(b"damaged")
    return photos


def command(folder: Path, weights: Path, *more: Path | str) -> int:
    return suggest.main([str(folder), "--weights", str(weights), "--device", "cpu", "--score", "0", *map(str, more)])


def test_photos_are_listed_as_people_count(folder: Path) -> None:
    assert list_images(folder) == ["2.png", "3.jpg", "10.png", "deep/1.png"]


def test_a_folder_named_with_an_encircled_number(
    folder: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "deep").rename(folder / "①")
    assert command(folder, tiny_weights) == 0
    assert "3 photos" in capsys.readouterr().out
    images = json.loads((folder / "suggestions.json").read_text())["images"]
    assert [image["file_name"] for image in images] == ["2.png", "10.png", "①/1.png"]


def test_a_folder_becomes_a_coco_file(folder: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(folder, tiny_weights, "--preview", str(folder / "pictures")) == 0
    out, err = capsys.readouterr()
    assert "3 photos" in out
    assert "Left out 3.jpg" in err
    coco: Any = COCO(folder / "suggestions.json")
    assert [i["file_name"] for i in coco.dataset["images"]] == ["2.png", "10.png", "deep/1.png"]
    assert [c["name"] for c in coco.dataset["categories"]] == ["person", "box"]
    assert coco.dataset["categories"][0]["skeleton"] == [[1, 2], [1, 3]]
    assert coco.dataset["annotations"]
    for record in coco.dataset["annotations"]:
        assert 0 <= record["score"] <= 1
        assert record["iscrowd"] == 0
        assert coco.annToMask(record).shape == (60, 80)
        if record["category_id"] == 1:
            assert record["num_keypoints"] == sum(v > 0 for v in record["keypoints"][2::3])
    assert photo_size(folder / "pictures" / "deep" / "1.jpg") == (80, 60)
    assert not list(folder.glob("*.partial"))
    # Its own pictures are not photos, and its own file may be replaced.
    assert command(folder, tiny_weights, "--preview", str(folder / "pictures")) == 0
    assert len(json.loads((folder / "suggestions.json").read_text())["images"]) == 3


def test_a_killed_run_goes_on(
    folder: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(folder, tiny_weights, "--output", str(folder.parent / "whole.json")) == 0
    real, done = suggest._suggest, []

    def killed(predictor: object, folder: Path, names: list[str], *more: object) -> Iterator[dict[str, object]]:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.extend(names)
        return real(predictor, folder, names, *more)  # pyrefly: ignore

    output = folder.parent / "parts.json"
    monkeypatch.setattr(suggest, "_suggest", killed)
    assert command(folder, tiny_weights, "--output", str(output)) == 130
    assert not output.exists()
    partial = output.with_name("parts.json.partial")
    with partial.open("ab") as file:
        file.write(b'{"file_name": "10.png", "wid')  # a line that was cut off
    rest: list[str] = []

    def counted(predictor: object, folder: Path, names: list[str], *more: object) -> Iterator[dict[str, object]]:
        rest.extend(names)
        return real(predictor, folder, names, *more)  # pyrefly: ignore

    monkeypatch.setattr(suggest, "_suggest", counted)
    capsys.readouterr()
    assert command(folder, tiny_weights, "--output", str(output)) == 0
    assert "1 of 4 photos are done already" in capsys.readouterr().err
    assert (done, rest) == (["2.png", "3.jpg"], ["3.jpg", "10.png", "deep/1.png"])  # 3.jpg may be repaired by now
    assert not partial.exists()
    one, other = (json.loads((folder.parent / f"{name}.json").read_text()) for name in ("whole", "parts"))
    assert one["annotations"] == other["annotations"]
    assert one["images"] == other["images"]


def test_what_other_settings_left_is_not_used(folder: Path, tiny_weights: Path) -> None:
    stale = {"file_name": "2.png", "width": 1, "height": 1, "annotations": []}
    partial = folder / "suggestions.json.partial"
    partial.write_text(json.dumps({"generator": "annotator suggest", "score": 0.9}) + "\n" + json.dumps(stale) + "\n")
    assert command(folder, tiny_weights) == 0
    assert json.loads((folder / "suggestions.json").read_text())["images"][0]["width"] == 80


class Stopped:
    """Does the command, and stops it by Ctrl+C after so many photos."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch

    def command(self, after: int, folder: Path, weights: Path, *more: Path | str) -> list[str]:
        """Return the photos that were looked at."""
        real, looked_at = suggest._suggest, []

        def counted(predictor: object, folder: Path, names: list[str], *more: object) -> Iterator[dict[str, object]]:
            if len(looked_at) == after:
                raise KeyboardInterrupt
            looked_at.extend(names)
            return real(predictor, folder, names, *more)  # pyrefly: ignore

        with self.monkeypatch.context() as patch:
            patch.setattr(suggest, "_suggest", counted)
            status = command(folder, weights, *more)
        assert status == (130 if len(looked_at) == after else 0)
        return looked_at


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> Stopped:
    return Stopped(monkeypatch)


def test_a_photo_that_was_repaired_or_replaced_is_looked_at_again(
    folder: Path, tiny_weights: Path, stopped: Stopped, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stopped.command(3, folder, tiny_weights) == ["2.png", "3.jpg", "10.png"]
    picture = np.full((30, 50, 3), 90, np.uint8)
    for name in ("3.jpg", "2.png"):
        Image.fromarray(picture).save(folder / name)
    assert stopped.command(9, folder, tiny_weights) == ["2.png", "3.jpg", "deep/1.png"]
    assert "Left out" not in capsys.readouterr().err
    images = json.loads((folder / "suggestions.json").read_text())["images"]
    assert [(i["file_name"], i["width"]) for i in images] == [
        ("2.png", 50), ("3.jpg", 50), ("10.png", 80), ("deep/1.png", 80)
    ]  # fmt: skip


def test_a_damaged_journal_does_not_stop_a_run(folder: Path, tiny_weights: Path, stopped: Stopped) -> None:
    stopped.command(1, folder, tiny_weights)
    partial = folder / "suggestions.json.partial"
    partial.write_bytes(partial.read_bytes() + b'{"foo":1}\n{"file_name":"10.png"}\n')
    assert stopped.command(9, folder, tiny_weights) == ["3.jpg", "10.png", "deep/1.png"]


def test_what_a_team_left_is_used_and_deleted(folder: Path, tiny_weights: Path, stopped: Stopped) -> None:
    stopped.command(1, folder, tiny_weights)
    partial = folder / "suggestions.json.partial"
    partial.rename(folder / "suggestions.json.partial1")
    (folder / "suggestions.json.partial0").write_bytes(b"")
    assert stopped.command(9, folder, tiny_weights) == ["3.jpg", "10.png", "deep/1.png"]
    assert sorted(p.name for p in folder.glob("suggestions*")) == ["suggestions.json"]


def test_every_photo_has_a_picture_of_its_own(folder: Path, tiny_weights: Path, stopped: Stopped) -> None:
    Image.new("RGB", (40, 30)).save(folder / "2.jpg")
    pictures = folder / "pictures"
    stopped.command(3, folder, tiny_weights)
    assert not pictures.exists()
    # What is done already gets its picture, too, and is not looked at again once it has it.
    assert len(stopped.command(2, folder, tiny_weights, "--preview", pictures)) == 2
    (pictures / "2.jpg.jpg").unlink()
    again = stopped.command(9, folder, tiny_weights, "--preview", pictures)
    assert again == ["2.jpg", "3.jpg", "10.png", "deep/1.png"]
    assert {p.relative_to(pictures).as_posix() for p in pictures.rglob("*.jpg")} == {
        "2.jpg.jpg", "2.png.jpg", "10.jpg", "deep/1.jpg"
    }  # fmt: skip
    assert photo_size(pictures / "2.jpg.jpg") == (40, 30)
    assert photo_size(pictures / "2.png.jpg") == (80, 60)


def test_names_of_pictures_never_meet() -> None:
    assert picture_names(["a.png", "b/a.jpg"]) == {"a.png": "a.jpg", "b/a.jpg": "b/a.jpg"}
    photos = ["a.jpg", "a.png", "a.png.jpg", "A.PNG", "b.JPG", "b.jpg.jpg", "b.jpg.png", "c.tar.png"]
    assert len({name.lower() for name in picture_names(photos).values()}) == len(photos) - 1  # a.png is A.PNG elsewhere
    assert len(set(picture_names(photos).values())) == len(photos)


@pytest.mark.parametrize(
    "content",
    [
        '{"images": [], "annotations": [], "categories": []}',
        "not json",
        "",
        pytest.param("[" * 60_000 + "]" * 60_000, id="deep"),
    ],
)
def test_a_file_of_a_person_is_never_replaced(
    folder: Path, tiny_weights: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "annotations.json"
    path.write_text(content)
    assert command(folder, tiny_weights, "--output", str(path)) == 2
    assert "not as this command wrote it" in capsys.readouterr().err
    assert path.read_text() == content


def test_suggestions_that_a_person_went_on_with_are_never_replaced(
    folder: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "annotations.json"
    for _ in range(2):  # what is as the command wrote it is written anew
        assert command(folder, tiny_weights, "--output", path) == 0
    data = json.loads(path.read_text())
    data["annotations"].append({"id": 9999, "image_id": 1, "category_id": 1, "bbox": [1, 1, 5, 5], "area": 25})
    path.write_text(json.dumps(data))
    capsys.readouterr()
    assert command(folder, tiny_weights, "--output", path) == 2
    assert "not as this command wrote it" in capsys.readouterr().err
    assert json.loads(path.read_text()) == data


def test_no_picture_replaces_a_file_of_a_person(
    folder: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = {folder.parent / "mine" / "10.jpg": b"mine", folder / "deep" / "2.jpg": (folder / "2.png").read_bytes()}
    for path, content in kept.items():  # a folder of its own, one of photos, and that around the photos
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    (folder.parent / "2.jpg").symlink_to(folder / "2.png")
    for preview, name in ((folder.parent / "mine", "10.jpg"), (folder / "deep", "2.jpg"), (folder.parent, "2.jpg")):
        assert command(folder, tiny_weights, "--preview", preview) == 2
        assert f"{preview / name} exists and is no picture of this command" in capsys.readouterr().err
    assert all(path.read_bytes() == content for path, content in kept.items())
    assert (folder.parent / "2.jpg").is_symlink()
    assert not (folder / "suggestions.json").exists()


def test_without_a_photo_that_can_be_read_an_earlier_file_stays(
    folder: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(folder, tiny_weights) == 0
    before = (folder / "suggestions.json").read_bytes()
    for path in folder.rglob("*.png"):
        path.write_bytes(b"")
    capsys.readouterr()
    assert command(folder, tiny_weights) == 2
    out, err = capsys.readouterr()
    assert f"None of the photos of {folder} can be read; 2.png: The file is empty (0 bytes).\n" in err
    assert out == ""
    assert (folder / "suggestions.json").read_bytes() == before
    assert not list(folder.glob("*.partial*"))


def test_bad_arguments_are_one_sentence(
    folder: Path, tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    cases: tuple[tuple[tuple[Any, ...], str], ...] = (
        ((tmp_path / "none", tiny_weights), "does not exist"),
        ((tiny_weights, tiny_weights), "is not a folder"),
        ((empty, tiny_weights), "holds no photos"),
        ((folder, tmp_path / "w.safetensors"), "no weights"),
        ((folder, tiny_weights, "--output", str(tiny_weights / "a.json")), "cannot be written"),
        ((folder, tiny_weights, "--output", str(empty)), "is a folder"),
        ((folder, tiny_weights, "--score", "7"), "between 0 and 1"),
        ((folder, tiny_weights, "--preview", folder / "notes.txt"), "is not a folder"),
        ((folder, tiny_weights, "--preview", folder / "deep" / ".."), "the folder of the photos"),
    )
    for arguments, message in cases:
        assert command(*arguments) == 2
        err = capsys.readouterr().err
        assert message in err
        assert err.count("\n") == 1


def test_a_full_disk_keeps_what_was_there(
    folder: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(folder, tiny_weights) == 0
    before = (folder / "suggestions.json").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(suggest, "write_bytes", full)
    assert command(folder, tiny_weights) == 2
    assert "No space left" in capsys.readouterr().err
    assert (folder / "suggestions.json").read_bytes() == before


def test_an_instance_with_a_hole_is_written_as_rle() -> None:
    plain = annotation(Instance(7, 0.5, np.array([9, 9, 41, 31], np.float32), [[SQUARE]]), (50, 60))
    assert plain["segmentation"] == [[10, 10, 40, 10, 40, 30, 10, 30]]
    assert (plain["bbox"], plain["area"]) == ([10, 10, 30, 20], 600)
    assert "keypoints" not in plain
    holed = annotation(Instance(7, 0.5, np.array([9, 9, 41, 31], np.float32), [[SQUARE, HOLE]]), (50, 60))
    assert holed["area"] == 500
    coco: Any = COCO()
    coco.dataset = {
        "images": [{"id": 1, "height": 50, "width": 60}],
        "annotations": [{**holed, "id": 1, "image_id": 1}],
        "categories": [],
    }
    coco.createIndex()
    mask = coco.annToMask(coco.anns[1])
    assert mask.sum() == 500
    assert mask[20, 25] == 0
    assert mask[12, 25] == 1
    json.dumps(holed)


def test_a_hole_keeps_its_outline_and_an_area_counts_pixels() -> None:
    slanted = np.array([[10.25, 10.5], [40.75, 12.25], [36.5, 33.75]], np.float32)
    hole = np.array([[22, 16], [30, 17], [29, 22], [24, 21]], np.float32)
    record = annotation(Instance(7, 0.5, np.array([9, 9, 41, 34], np.float32), [[slanted, hole]]), (50, 60))
    assert record["area"] == rle.area(record["segmentation"])
    found = read_object(record, (60, 50), 0)
    assert not found.is_box
    ((exterior, inside),) = to_parts(found.shape)
    assert (len(exterior), len(inside)) == (3, 4)
    assert exterior.tolist() == slanted.tolist()


def test_a_label_leaves_out_keypoints_that_are_a_guess_and_a_detection_says_how_sure_they_are() -> None:
    points = np.array([[12, 13, 2], [20, 21, 1], [30, 31, 0]], np.float32)
    scores = np.array([0.9, 0.2, 0.0312], np.float32)
    found = Instance(1, 0.5, np.array([9, 9, 41, 31], np.float32), [[SQUARE]], points, scores)
    record = annotation(found, (50, 60))
    assert record["keypoints"] == [12, 13, 2, 20, 21, 1, 0, 0, 0]
    assert (record["num_keypoints"], record["bbox"]) == (2, [10, 10, 30, 20])
    record = detection(found, (50, 60))
    assert record["keypoints"] == [12, 13, 2, 20, 21, 1, 30, 31, 1]
    assert record["keypoint_scores"] == [0.9, 0.2, 0.031]
    assert (record["num_keypoints"], record["bbox"]) == (3, [9, 9, 32, 22])


def test_what_is_measured_is_what_is_written(coco_file: Callable[..., Path], tiny_weights: Path) -> None:
    path = coco_file(3)
    images = path.parent / "images"
    truth, _ = read_ground_truth(path, images)
    measured, _ = predict(Predictor(tiny_weights, "cpu"), truth, images, score=0, group=ProcessGroup())
    assert command(images, tiny_weights, "--output", path.with_name("found.json")) == 0
    found = json.loads(path.with_name("found.json").read_text())
    names = {image["id"]: image["file_name"] for image in found["images"]}
    ids = {image["file_name"]: image["id"] for image in truth["images"]}
    size = (truth["images"][0]["height"], truth["images"][0]["width"])
    written = []
    for record in found["annotations"]:
        record["image_id"] = ids[names[record["image_id"]]]
        del record["id"]
        shape = record.pop("segmentation")
        written.append({**record, "segmentation": rle.from_coco(shape, size)} if shape else record)
    assert written == measured
    assert any("keypoints" in record for record in written)


def test_a_preview_shows_what_was_found() -> None:
    from model.commands.preview import category_colour, draw

    photo = np.full((400, 600, 3), 128, np.uint8)
    square = SQUARE * 8
    points = np.array([[100, 100, 2], [200, 100, 2], [200, 200, 0]], np.float32)
    found = [Instance(1, 0.9, np.array([80, 80, 320, 240], np.float32), [[square]], points)]
    picture = np.asarray(draw(photo, found, CATEGORIES)).astype(int)
    assert picture.shape == photo.shape
    lower_edge = picture[236:244, 200] - category_colour(0)
    assert np.abs(lower_edge).sum(1).min() < 60
    assert (picture[350:] == 128).all()
    inside = picture[220, 250]
    assert (inside != 128).any()
    assert shapely.Polygon(square).area == 240 * 160
    assert len({category_colour(i) for i in range(36)}) == 36


def test_photos_in_batches_give_the_same_file(
    folder: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANNOTATOR_BF16", "0")
    assert command(folder, tiny_weights) == 0
    alone = json.loads((folder / "suggestions.json").read_text())
    monkeypatch.setattr(Predictor, "batch", 3)
    assert command(folder, tiny_weights) == 0
    together = json.loads((folder / "suggestions.json").read_text())
    assert together["images"] == alone["images"]
    assert len(together["annotations"]) == len(alone["annotations"]) > 0
    for one, other in zip(alone["annotations"], together["annotations"], strict=True):
        assert one["bbox"] == pytest.approx(other["bbox"], abs=0.02)


def test_objects_of_a_photo_with_very_many_pixels_are_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model is given a reduced photo; its answers are in pixels of the whole one."""
    shutil.copy(SAMPLES / "dog.jpg", tmp_path / "dog.jpg")
    found = []
    for pixels in (images.MAX_MODEL_PIXELS, 100_000):
        monkeypatch.setattr(images, "MAX_MODEL_PIXELS", pixels)
        arguments = [str(tmp_path), "--device", "cpu", "--preview", str(tmp_path / "pictures")]
        assert suggest.main(arguments) == 0
        contents = json.loads((tmp_path / "suggestions.json").read_text())
        assert (contents["images"][0]["width"], contents["images"][0]["height"]) == photo_size(tmp_path / "dog.jpg")
        found.append(max(contents["annotations"], key=lambda a: a["score"]))
    size = photo_size(tmp_path / "dog.jpg")[::-1]
    whole, reduced = (rle.from_coco(record["segmentation"], size) for record in found)
    assert rle.iou([whole], [reduced], [False])[0, 0] > 0.5  # of a quarter of the pixels; not enlarged it would be 0.25


def test_an_enlarged_instance() -> None:
    ring = np.array([[1, 1], [9, 1], [9, 9]], np.float32)
    points = np.array([[0.5, 1.5, 2], [0, 0, 0]], np.float32)
    instance = Instance(2, 0.5, np.array([1, 2, 3, 4], np.float32), [[ring]], points)
    large = instance.enlarged((2, 3))
    assert large.box.tolist() == [2, 6, 6, 12]
    assert large.polygons[0][0].tolist() == [[2, 3], [18, 3], [18, 27]]
    assert large.keypoints is not None
    assert large.keypoints.tolist() == [[1.5, 5.5, 2], [0.5, 1, 0]]  # the centre of a pixel stays one
    assert instance.enlarged((1, 1)) is instance


def test_photos_of_any_name_are_suggested_for_and_drawn(tiny_weights: Path, tmp_path: Path) -> None:
    names = [os.fsdecode(b"caf\xe9.png"), "back\\slash.png", "back/slash.png", "line\nbreak.png"]
    photos = tmp_path / "photos"
    for name in names:
        path = photos / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (80, 60)).save(path)
        except OSError:
            pytest.skip("this system has no such names")
    assert command(photos, tiny_weights, "--preview", tmp_path / "drawn") == 0
    output = photos / "suggestions.json"
    data = read_coco(output, "masks", photos)
    assert sorted(image.record["file_name"] for image in data.images) == sorted(names)
    assert all(image.problem is None for image in data.images)
    assert len(list_images(tmp_path / "drawn")) == len(names)
    assert evaluate.main([str(output), "--images", str(photos), "--weights", str(tiny_weights), "--device", "cpu"]) == 0
