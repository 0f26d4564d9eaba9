from __future__ import annotations

import re
from pathlib import Path

import pytest

from dataset.output_places import PlaceError
from model.output_check import OutputError, check_output, check_replaced


def test_nothing_is_left_of_the_try(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    check_output(path)
    assert list(tmp_path.iterdir()) == []
    check_output(tmp_path / "new" / "folder" / "a.json")
    assert [p.name for p in tmp_path.rglob("*")] == ["new", "folder"]
    (tmp_path / "new" / "folder").rmdir()
    (tmp_path / "new").rmdir()
    path.write_text("kept")
    (tmp_path / ".a.json.0123456789abcdef.tmp").write_text("left by a killed run")
    check_output(path)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a.json", "kept")]


def test_what_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    (tmp_path / "protected.json").touch(mode=0o444)
    for path, why in (
        (tmp_path, "is a folder"),
        (file / "a.json", "cannot be written"),
        (tmp_path / ("a" * 300), "cannot be written"),
        (tmp_path / "protected.json", "write-protected"),
        (Path("/proc/a.json"), "cannot be written"),
    ):
        if not Path("/proc").is_dir() and path.parent == Path("/proc"):
            continue
        with pytest.raises(OutputError, match=why) as caught:
            check_output(path)
        assert re.search(r": name a(nother)? file\.$", str(caught.value)), "which option, if any, the command knows"
        assert "\n" not in str(caught.value)


def test_photos_and_private_folders_are_no_output_but_of_rounds(tmp_path: Path) -> None:
    photo, private = tmp_path / "a.Tiff", tmp_path / ".annotator" / "models" / "a.safetensors"
    check_output(photo)
    photo.write_bytes(b"photo")
    for path, why in ((photo, "is a picture"), (private, "a project's private folder")):
        with pytest.raises(PlaceError, match=why):
            check_output(path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.Tiff"]
    check_replaced(private, private.with_suffix(".state"), resume=False, overwrite=False)
