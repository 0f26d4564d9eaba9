"""What the command of training refuses, and what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from model.checkpoints import weights
from model.commands import train

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("repeatable")


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("--epochs", ("-1", "0", "1.5", "many")),
        ("--batch", ("-1", "0")),
        ("--minutes", ("-1", "0", "nan", "inf")),
        ("--learning-rate", ("-1", "0", "nan", "1e9")),
        ("--seed", ("-1", str(2**63))),
        ("--workers", ("-1", "100000")),
        ("--threads", ("-1",)),
        ("--short-side", ("-1", "0", "31", "2049", "1000000")),
    ],
)
def test_numbers_that_no_training_can_have_are_refused(
    option: str, values: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for value in values:
        with pytest.raises(SystemExit) as caught:
            train.main(["a.json", "--output", str(tmp_path / "a.safetensors"), option, value])
        assert caught.value.code == 2
        assert f"argument {option}: {value!r} is not a" in capsys.readouterr().err


def changed_file(path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    return path


def refused(given: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one sentence with which the command refuses its arguments."""
    capsys.readouterr()
    assert train.main([*given, "--device", "cpu"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def each(kind: str, **fields: Any) -> Callable[[dict[str, Any]], None]:
    """Return what changes every record of a kind in a COCO file's contents."""

    def change(data: dict[str, Any]) -> None:
        for record in data[kind]:
            record.update(fields)

    return change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda data: data.update(images=[], annotations=[]), "names no photos"),
        (lambda data: data.update(images=[]), "None of the annotations"),
        (lambda data: data.update(annotations=[]), "shows an object to learn from"),
        (each("annotations", iscrowd=1), "shows an object to learn from"),
        (each("annotations", category_id=5), "None of the annotations"),
        (each("annotations", bbox=[float("nan")] * 4), "None of the annotations"),
        (each("annotations", bbox=[5, 5, -9, -9]), "None of the annotations"),
        (each("annotations", bbox=[500, 5, 9, 9]), "None of the annotations"),
        (each("annotations", image_id=77), "None of the annotations"),
        (each("images", file_name="none.png"), "None of the photos"),
        (each("images", width=10**9), "None of the photos"),
    ],
)
def test_nothing_to_learn_from_is_refused_before_training(
    change: Callable[[dict[str, Any]], None],
    sentence: str,
    coco_file: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = changed_file(coco_file(2), change)
    text = refused(["--train", str(path), "--output", str(tmp_path / "a.safetensors")], capsys)
    assert sentence in text
    assert "train.json" in text or "COCO files" in text
    assert not (tmp_path / "a.safetensors").exists()


def test_pictures_that_are_none_are_no_photos(
    coco_file: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = coco_file(2)
    for photo in (path.parent / "images").iterdir():
        photo.write_bytes(b"no picture")
    text = refused(["--train", str(path), "--output", str(tmp_path / "a.safetensors")], capsys)
    assert "None of the photos" in text


def test_what_is_left_out_of_a_file_is_told(
    coco_file: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def damage(data: dict[str, Any]) -> None:
        data["annotations"][0]["segmentation"] = [[1, 2, 3, 4]]
        data["annotations"][1]["bbox"] = [1, 2]

    path = changed_file(coco_file(2), damage)
    given = ["--train", str(path), "--output", str(tmp_path / "a.safetensors"), "--epochs", "1", "--batch", "2"]
    given += [
        "--device",
        "cpu",
        "--json",
        "--config",
        "channels=8",
        "--config",
        "keypoints=0",
        "--config",
        "width=0.35",
    ]
    assert train.main(given) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [r["event"] for r in records] == ["notice", "start", "step", "epoch", "done"]
    assert records[0]["text"] == f"{path}: left out 1 damaged mask, 1 annotation without a usable box or class."


@pytest.mark.parametrize("points", [["tip", "base"], ["tip", "left_hand", "right_hand"]])
def test_classes_of_different_skeletons_are_refused(
    points: list[str], coco_file: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = changed_file(coco_file(2), lambda data: data["categories"][1].update(keypoints=points))
    output = tmp_path / "a.safetensors"
    given = ["--train", str(path), "--output", str(output), "--epochs", "1", "--batch", "2", "--config", "channels=8"]
    given += ["--config", "width=0.35", "--set", "scales=[64]", "--set", "early_scales=[64]"]
    assert f"{path} has classes with different keypoints" in refused(given, capsys)
    assert not output.exists()
    assert train.main([*given, "--config", "keypoints=0", "--device", "cpu"]) == 0  # none are learned


def test_the_validation_finds_its_photos_where_the_others_are(
    coco_file: Callable[..., Path], tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = coco_file(2)
    val = tmp_path / "elsewhere" / "val.json"
    val.parent.mkdir()
    val.write_text(path.read_text())
    given = ["--train", str(path), "--val", str(val), "--weights", str(tiny_weights), "--epochs", "1", "--batch", "2"]
    given += ["--output", str(tmp_path / "a.safetensors"), "--device", "cpu"]
    assert "is " + str(val.parent) + " their folder?" in refused(given, capsys)
    assert train.main([*given, "--images", str(path.parent / "images")]) == 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda data: data.pop("images"), "is not a COCO file"),
        (each("annotations", bbox=[1, 2]), "None of the annotations"),
        (each("images", width=10**9), "a photo has another size than the file says"),
        (each("categories", name="bird", supercategory=""), "none of"),
        (each("images", file_name="none.png"), "None of the photos"),
    ],
)
def test_a_file_that_cannot_measure_is_refused_before_training(
    change: Callable[[dict[str, Any]], None],
    sentence: str,
    coco_file: Callable[..., Path],
    tiny_weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    val = changed_file(coco_file(1, "val"), change)
    given = ["--train", str(coco_file(1)), "--val", str(val), "--weights", str(tiny_weights)]
    assert sentence in refused([*given, "--output", str(tmp_path / "a.safetensors")], capsys)
    assert not (tmp_path / "a.safetensors").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--config", "classes=3"], "leave classes out"),
        (["--config", "anchor_sizes=[0]"], "anchor_sizes is 0"),
        (["--config", "rpn_nms=5"], "rpn_nms is 5"),
        (["--set", "schedule=linear"], "schedule is 'linear'"),
        (["--set", "schedule"], "write name=value"),
        (["--set", "learning_rate=1"], "write --learning-rate instead"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    options: list[str],
    sentence: str,
    coco_file: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = ["--train", str(coco_file(1)), "--output", str(tmp_path / "a.safetensors")]
    assert sentence in refused([*given, *options], capsys)


def test_the_example_of_the_help_trains(coco_file: Callable[..., Path], tmp_path: Path) -> None:
    given = ["--train", str(coco_file(1)), "--output", str(tmp_path / "a.safetensors"), "--device", "cpu"]
    given += ["--config", "backbone=resnet18", "--config", "features=c4", "--epochs", "1", "--batch", "1"]
    given += ["--set", "schedule=step", "--set", "scales=[64]", "--set", "early_scales=[70]"]
    assert train.main(given) == 0
    found = weights.load(tmp_path / "a.safetensors").config
    assert (found.backbone, found.features, found.width) == ("resnet18", "c4", 1.0)


@pytest.mark.parametrize("tunes", [False, True])
@pytest.mark.parametrize("name", ["m.safetensors", "m.resume"])
def test_what_another_training_wrote_is_replaced_only_if_told(
    coco_file: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, *, tunes: bool
) -> None:
    (tmp_path / name).write_text("mine")
    annotations = str(coco_file(1))
    text = refused([*([] if tunes else ["--train"]), annotations, "--output", str(tmp_path / "m.safetensors")], capsys)
    assert text.startswith(str(tmp_path / name))
    assert "--overwrite" in text
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.parametrize("tunes", [False, True])
def test_an_output_that_cannot_be_written_is_refused_at_once(
    coco_file: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], *, tunes: bool
) -> None:
    annotations = coco_file(1)
    (tmp_path / "file").touch()
    (tmp_path / "folder.safetensors").mkdir()
    given = [str(annotations)] if tunes else ["--train", str(annotations)]
    for output in (Path("/proc/m.safetensors"), tmp_path / "file" / "m.safetensors", tmp_path / "folder.safetensors"):
        text = refused([*given, "--output", str(output)], capsys)
        assert text.startswith(f"{output} ")
        assert "name a" in text
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.safetensors", "train"]


@pytest.mark.parametrize(
    "option",
    [
        ["--from", "builtin"],
        ["--freeze", "neck"],
        ["--short-side", "64"],
        ["--augment", "full"],
        ["--forget"],
        ["--split", "split.json"],
        ["--cache", "cache"],
        ["--estimate"],
    ],
)
def test_options_of_fine_tuning_are_no_options_of_a_training(
    option: list[str], coco_file: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "a.safetensors"
    text = refused(["--train", str(coco_file(1)), "--output", str(output), *option], capsys)
    assert text.startswith(f"{option[0]} is for fine-tuning")
    assert not output.exists()


@pytest.mark.parametrize(
    "option", [["--train", "b.json"], ["--val", "b.json"], ["--set", "ema=0"], ["--config", "x=1"]]
)
def test_options_of_a_training_are_no_options_of_fine_tuning(
    option: list[str], coco_file: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = refused([str(coco_file(1)), "--output", str(tmp_path / "a.safetensors"), *option], capsys)
    assert text.startswith(f"{option[0]} is no option of fine-tuning on ")
