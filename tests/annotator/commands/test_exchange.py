from __future__ import annotations

import json
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import main
from annotator.commands import progress
from annotator.core.photo_state import Mark, PhotoState
from annotator.core.store import project_folder
from annotator.core.store.project_file import ProjectFile
from annotator.core.store.store import Store


def _labelme(folder: Path, photo: str, *shapes: dict[str, Any]) -> None:
    body = {"version": "5.5.0", "flags": {}, "shapes": list(shapes), "imagePath": photo, "imageData": None}
    (folder / photo).with_suffix(".json").write_text(json.dumps(body))


CUP = {"label": "cup", "points": [[10, 10], [60, 10], [60, 70]], "shape_type": "polygon", "group_id": 1, "flags": {}}
HANDLE = {"label": "handle", "points": [[55, 20]], "shape_type": "point", "group_id": 1, "flags": {"occluded": True}}


def _annotations(folder: Path) -> list[dict[str, Any]]:
    return json.loads((folder / "annotations.json").read_text())["annotations"]


def test_labelme_comes_in_and_goes_out_again(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _labelme(folder, "cat.jpg", CUP, HANDLE)
    assert main.main(["import", "labelme", str(folder), str(folder)]) == 0
    assert "1 object added in 1 photo." in capsys.readouterr().out
    (record,) = _annotations(folder)
    assert record["segmentation"] == [[10, 10, 60, 10, 60, 70]]
    assert record["keypoints"] == [55, 20, 1]

    target = tmp_path / "out"
    assert main.main(["export", "labelme", str(folder), str(target), "--all"]) == 0
    assert "1 object of 1 photo written" in capsys.readouterr().out
    written = json.loads((target / "cat.json").read_text())
    assert [shape["label"] for shape in written["shapes"]] == ["cup", "handle"]
    assert (target / written["imagePath"]).resolve() == (folder / "cat.jpg").resolve()
    assert min(written["imageWidth"], written["imageHeight"]) > 0
    assert main.main(["export", "labelme", str(folder), str(target), "--all"]) == 2
    assert "cat.json would be replaced; choose another place. Or --overwrite" in capsys.readouterr().err
    assert main.main(["export", "labelme", str(folder), str(target), "--overwrite", "--all"]) == 0


def test_coco_goes_out_with_the_ids_it_has(folder: Path, tmp_path: Path) -> None:
    """Results that a model has for the exported file are of these ids."""
    box = {"bbox": [10, 10, 40, 30], "area": 1200, "iscrowd": 0}
    body = {
        "images": [{"id": 7, "file_name": "dog.jpg", "width": 512, "height": 512},
                   {"id": 1, "file_name": "cat.jpg", "width": 512, "height": 512}],
        "categories": [{"id": 0, "name": "cup"}, {"id": 30, "name": "spoon"}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 30, **box},
                        {"id": 2, "image_id": 1, "category_id": 0, **box}],
    }  # fmt: skip
    (folder / "annotations.json").write_text(json.dumps(body))
    target = tmp_path / "out.json"
    assert main.main(["export", "coco", str(folder), str(target), "--all"]) == 0
    written = json.loads(target.read_text())
    assert {i["id"]: i["file_name"] for i in written["images"]} == {1: "cat.jpg", 7: "dog.jpg"}
    assert {c["id"]: c["name"] for c in written["categories"]} == {0: "cup", 30: "spoon"}
    assert {(a["image_id"], a["category_id"]) for a in written["annotations"]} == {(7, 30), (1, 0)}


def _with_all_fields() -> dict[str, Any]:
    box = {"bbox": [10, 10, 40, 30], "area": 1200, "iscrowd": 0}
    return {
        "info": {"year": 2020, "generator": "annotator suggest"},
        "licenses": [{"id": 3, "name": "CC"}],
        "images": [{"id": 7, "file_name": "dog.jpg", "width": 512, "height": 512, "license": 3,
                    "tags": ["night", "rain"], "note": "look again"}],
        "categories": [{"id": 1, "name": "cup", "attributes": [{"name": "side", "values": ["l", "r"]}], "mine": 1}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 1, **box, "attributes": {"side": "l"}, "mine": [1]}],
    }  # fmt: skip


def _lacking(found: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """The fields of a file that are not there or otherwise in another."""
    lists = ("images", "categories", "annotations")
    lacks: dict[str, Any] = {key: value for key, value in wanted.items() if key not in lists and found[key] != value}
    for name in lists:
        for one, other in zip(found[name], wanted[name], strict=True):
            lacks |= {f"{name}.{key}": value for key, value in other.items() if one.get(key) != value}
    return lacks


def test_coco_keeps_every_field_out_and_in_again(folder: Path, tmp_path: Path) -> None:
    wanted, out = _with_all_fields(), tmp_path / "out.json"
    file = folder / "annotations.json"
    file.write_text(json.dumps(wanted))
    assert main.main(["export", "coco", str(folder), str(out), "--all"]) == 0
    del wanted["info"]["generator"]  # by it `suggest` would replace the file
    assert _lacking(json.loads(out.read_text()), wanted) == {}
    file.unlink()
    assert main.main(["import", "coco", str(out), str(folder)]) == 0
    del wanted["images"][0]["id"], wanted["annotations"][0]["image_id"]  # which are the project's
    assert _lacking(json.loads(file.read_text()), wanted) == {}
    with closing(Store.open(folder, fallback=tmp_path / "private")) as store:
        assert store.notes("dog.jpg").tags == ("night", "rain")


def test_an_import_leaves_the_fields_that_are_there(folder: Path, tmp_path: Path) -> None:
    source, file = tmp_path / "source.json", folder / "annotations.json"
    source.write_text(json.dumps(_with_all_fields()))
    image = {"id": 1, "file_name": "dog.jpg", "width": 512, "height": 512, "tags": ["day"]}
    file.write_text(json.dumps({"info": {"year": 1}, "images": [image], "categories": [], "annotations": []}))
    assert main.main(["import", "coco", str(source), str(folder)]) == 0
    found = json.loads(file.read_text())
    assert found["info"] == {"year": 1}
    assert found["images"] == [{**image, "license": 3, "note": "look again"}]


def test_photos_without_objects_get_the_fields_they_lack(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, file = tmp_path / "source.json", folder / "annotations.json"
    fields = {"tags": ["night"], "note": "n", "license": 3}
    images = [{"id": i, "file_name": f"{n}.jpg", **fields} for i, n in enumerate(("cat", "coffee", "dog"))]
    source.write_text(json.dumps({"images": images, "categories": [], "annotations": []}))
    other_size = {"id": 1, "file_name": "dog.jpg", "width": 5, "height": 5, "tags": [], "note": "own"}
    file.write_text(json.dumps({"images": [other_size], "categories": [], "annotations": []}))
    command = ["import", "coco", str(source), str(folder)]
    assert main.main(command) == 0
    assert capsys.readouterr().out == "3 photos got tags, notes or other fields alone.\n"
    found = {image["file_name"]: image for image in json.loads(file.read_text())["images"]}
    assert {name: {key: image[key] for key in fields} for name, image in found.items()} == {
        "cat.jpg": fields,
        "coffee.jpg": fields,
        "dog.jpg": {**fields, "note": "own"},
    }
    before = file.read_bytes()
    assert main.main(command) == 2
    assert "there are no objects, and the photos have all tags, notes and other fields" in capsys.readouterr().err
    assert file.read_bytes() == before


def test_photos_with_annotations_are_left_out_unless_asked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _labelme(folder, "cat.jpg", CUP)
    command = ["import", "labelme", str(folder), str(folder)]
    assert main.main(command) == 0
    _labelme(folder, "dog.jpg", CUP)
    (folder / "cat.json").unlink()
    (folder / "dog.json").rename(folder / "x.json")
    _labelme(folder, "cat.jpg", CUP)
    assert main.main(command) == 0
    said = capsys.readouterr()
    assert "1 photo has annotations already and is left out; --add adds to it." in said.err
    assert len(_annotations(folder)) == 2
    assert main.main([*command, "--add"]) == 0
    assert len(_annotations(folder)) == 4


def test_coco_export_of_done_photos(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _labelme(folder, "cat.jpg", CUP)
    assert main.main(["import", "labelme", str(folder), str(folder)]) == 0
    store = Store.open(folder, fallback=tmp_path / "elsewhere")
    store.put("dog.jpg", PhotoState((64, 48), mark=Mark.DONE))
    store.close()
    for options, names in (([], ["dog.jpg"]), (["--done"], ["dog.jpg"]), (["--all"], ["cat.jpg", "dog.jpg"])):
        target = tmp_path / f"{options}.json"
        assert main.main(["export", "coco", str(folder), str(target), *options]) == 0
        assert [image["file_name"] for image in json.loads(target.read_text())["images"]] == names
        left_out = "1 photo that is not marked done is left out; --all exports it, too." in capsys.readouterr().err
        assert left_out == (len(names) == 1)


@pytest.mark.parametrize("file_format", ["coco", "csv", "yolo"])
def test_neither_photos_nor_the_private_folder_are_written_over(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], file_format: str
) -> None:
    _labelme(folder, "cat.jpg", CUP)
    assert main.main(["import", "labelme", str(folder), str(folder)]) == 0
    (folder / "photo.JPG").write_bytes((folder / "cat.jpg").read_bytes())
    (tmp_path / "private").symlink_to(folder / ".annotator")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for target, why in (
        (folder / "cat.jpg", "is a picture"),
        (folder / "photo.JPG", "is a picture"),
        (folder / ".annotator" / "project.sqlite", "a project's private folder"),
        (folder / ".annotator", "a project's private folder"),
        (tmp_path / "private" / "new", "a project's private folder"),
    ):
        capsys.readouterr()
        assert main.main(["export", file_format, str(folder), str(target), "--all", "--overwrite"]) == 2
        said = capsys.readouterr().err.splitlines()[-1]
        assert said.startswith(str(target))
        assert why in said
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert main.main(["export", "coco", str(folder), str(folder / "new.json"), "--all", "--overwrite"]) == 0


def test_a_folder_alone_says_what_is_in_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["import", str(folder)]) == 2
    assert "has no annotations of other tools." in capsys.readouterr().err
    _labelme(folder, "cat.jpg", CUP)
    assert main.main(["import", str(folder)]) == 0
    assert capsys.readouterr().out == f"labelme: {folder}\n--yes imports it.\n"
    assert not (folder / "annotations.json").exists()
    (folder / "boxes.csv").write_text("image,xmin,ymin,xmax,ymax,label\ndog.jpg,1,2,9,9,spoon\n")
    assert main.main(["import", str(folder), "--yes"]) == 2
    assert "choose one with --only." in capsys.readouterr().err
    assert main.main(["import", str(folder), "--yes", "--only", "csv"]) == 0
    assert "1 object added in 1 photo." in capsys.readouterr().out
    assert main.main(["import", "labelme", str(folder)]) == 2
    assert main.main(["import", "nothing", str(folder), str(folder)]) == 2
    assert "nothing is no format to import" in capsys.readouterr().err


def test_what_cannot_be_done_is_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_folder, "LOCK_WAIT", 0.1)
    store = Store.open(folder, fallback=folder)
    own = str(folder / "annotations.json")
    for command, why in (
        (["import", "coco", str(folder / "gone.json"), str(folder)], "is open in another Annotator window"),
        (["import", "coco", str(folder / "gone.json"), str(folder / "gone")], "does not exist"),
    ):
        assert main.main(command) == 2
        assert why in capsys.readouterr().err
    store.close()
    for command, why in (
        (["import", "coco", str(folder / "gone.json"), str(folder)], "gone.json cannot be read"),
        (["import", "labelme", str(folder), str(folder)], "holds no annotations of labelme"),
        (["export", "coco", str(folder), own], "the project's own file"),
        (["export", "coco", str(folder), own + ".2"], "has no annotations to export"),
    ):
        assert main.main(command) == 2
        said = capsys.readouterr().err
        assert why in said
        assert said.count("\n") == 1


def test_an_import_that_cannot_be_saved_is_none(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, file = tmp_path / "source.json", folder / "annotations.json"
    source.write_text(json.dumps(_with_all_fields()))
    file.write_text('{"images": [], "annotations": [], "categories": []}')
    before = file.read_bytes()
    file.chmod(0o444)
    assert main.main(["import", "coco", str(source), str(folder)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"{file} is write-protected, and nothing is imported" in err
    assert not (folder / ".annotator").exists()
    file.chmod(0o644)

    def full(*_: object, **_more: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(ProjectFile, "write", full)
        assert main.main(["import", "coco", str(source), str(folder)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"{file} cannot be written: no space left on device; what was imported is not in it.\n"
    assert file.read_bytes() == before


def test_a_command_that_puts_nothing_on_record_leaves_no_folder(folder: Path, tmp_path: Path) -> None:
    source, empty = tmp_path / "source.json", tmp_path / "empty.json"
    source.write_text(json.dumps(_with_all_fields()))
    empty.write_text('{"images": [], "annotations": [], "categories": []}')
    private = folder / ".annotator"
    for path in (tmp_path / "gone.json", empty):
        assert main.main(["import", "coco", str(path), str(folder)]) == 2
        assert not private.exists()
    assert main.main(["export", "coco", str(folder), str(tmp_path / "out.json")]) == 2
    assert not private.exists()
    assert main.main(["import", "coco", str(source), str(folder)]) == 0
    assert private.is_dir()
    assert main.main(["import", "coco", str(empty), str(folder)]) == 2
    assert private.is_dir()


def test_help_lists_the_formats_and_needs_neither_qt_nor_torch() -> None:
    for command in ("import", "export"):
        code = f"""
import sys, main
try:
    main.main(["{command}", "--help"])
except SystemExit:
    print([m for m in sys.modules if m in ("torch", "PySide6")])
"""
        done = subprocess.run([sys.executable, "-c", code], cwd=Path(main.__file__).parent, capture_output=True,
                              text=True, check=True)  # fmt: skip
        said = " ".join(done.stdout.split())
        assert "labelme: labelme JSON" in said
        assert "coco: COCO JSON" in said
        assert done.stdout.splitlines()[-1] == "[]"


def test_many_photos_are_a_plain_line_now_and_then(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PROGRESS_STEP", 2)
    for photo in ("cat.jpg", "coffee.jpg", "dog.jpg"):
        _labelme(folder, photo, CUP)
    monkeypatch.setattr(progress, "PROGRESS_SECONDS", 0.0)
    assert main.main(["import", "labelme", str(folder), str(folder)]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "0% done"
    assert "50% done" in lines
    monkeypatch.setattr(progress, "PROGRESS_SECONDS", 60.0)
    assert main.main(["export", "coco", str(folder), str(tmp_path / "x.json"), "--all"]) == 0
    assert capsys.readouterr().err == "2 of 3 photos\n"


def test_a_folder_that_can_only_be_read(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _labelme(folder, "cat.jpg", CUP)
    command = ["import", "labelme", str(folder), str(folder)]
    (folder / ".annotator").touch()  # in the way of the project's own folder
    assert main.main(command) == 2
    assert capsys.readouterr().err == f"{folder} cannot be written to.\n"
    assert not (folder / "annotations.json").exists()
    (folder / ".annotator").unlink()
    assert main.main(command) == 0
    shutil.rmtree(folder / ".annotator")
    (folder / ".annotator").touch()
    assert main.main(["export", "labelme", str(folder), str(tmp_path / "out"), "--all"]) == 0


def test_what_is_odd_about_the_project_is_printed(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _labelme(folder, "cat.jpg", CUP)
    assert main.main(["import", "labelme", str(folder), str(folder)]) == 0
    (folder / "cat.jpg").unlink()
    capsys.readouterr()
    assert main.main(["export", "coco", str(folder), str(tmp_path / "x.json"), "--all"]) == 2
    assert "1 photo of annotations.json is not in the folder; its annotations are kept." in capsys.readouterr().err
