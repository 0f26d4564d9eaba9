from __future__ import annotations

import os
import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset.folder import FolderError, list_images, natural_key


def fill(folder: Path, names: list[str]) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_photos_in_natural_order_a_folders_own_before_its_subfolders(tmp_path: Path) -> None:
    names = [
        "img1.jpg",
        "IMG2.PNG",
        "img10.jpeg",
        "z.webp",
        "a/1.bmp",
        "a/2.gif",
        "a/b/1.tif",
        "a10/1.tiff",
        "c2/x.jpg",
    ]
    shuffled = random.Random(1).sample(names, len(names))
    fill(tmp_path, shuffled)
    assert list_images(tmp_path) == names


def test_only_photos_and_nothing_hidden(tmp_path: Path) -> None:
    fill(
        tmp_path, ["a.jpg", "b.txt", "annotations.json", ".hidden.jpg", ".annotator/backup/x.jpg", ".git/y.png", "jpg"]
    )
    (tmp_path / "folder.jpg.d").mkdir()
    assert list_images(tmp_path) == ["a.jpg"]


def test_links_that_run_in_circles_end(tmp_path: Path) -> None:
    fill(tmp_path, ["a/x.jpg"])
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    assert list_images(tmp_path) == ["a/x.jpg"]


def test_a_linked_folder_is_followed(tmp_path: Path) -> None:
    fill(tmp_path, ["elsewhere/x.jpg"])
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "link").symlink_to(tmp_path / "elsewhere")
    assert list_images(tmp_path / "photos") == ["link/x.jpg"]


def test_an_empty_folder(tmp_path: Path) -> None:
    assert list_images(tmp_path) == []


def test_a_cancelled_scan_gives_nothing(tmp_path: Path) -> None:
    fill(tmp_path, ["a.jpg", "s/b.jpg"])
    answers = iter([False, True])
    assert list_images(tmp_path, cancelled=lambda: next(answers)) == []


def test_folders_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="does not exist"):
        list_images(tmp_path / "none")
    (tmp_path / "file.jpg").touch()
    with pytest.raises(FolderError, match="is not a folder"):
        list_images(tmp_path / "file.jpg")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="for root every folder can be read")
def test_a_subfolder_without_permission_is_left_out(tmp_path: Path) -> None:
    fill(tmp_path, ["a.jpg", "closed/b.jpg"])
    (tmp_path / "closed").chmod(0)
    try:
        assert list_images(tmp_path) == ["a.jpg"]
        with pytest.raises(FolderError, match="cannot be read"):
            list_images(tmp_path / "closed")
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_folders_that_are_skipped(tmp_path: Path) -> None:
    fill(tmp_path, ["a.jpg", "previews/a.jpg", "s/previews/b.jpg"])
    (tmp_path / "link").symlink_to(tmp_path / "previews")
    assert list_images(tmp_path, [tmp_path / "s" / ".." / "previews"]) == ["a.jpg", "s/previews/b.jpg"]


def test_names_with_digits_that_are_no_decimal_numbers(tmp_path: Path) -> None:
    fill(tmp_path, ["①/x².jpg", "①/x10.jpg", "①/x9.jpg", "①.jpg", "٣.jpg"])
    assert list_images(tmp_path) == ["٣.jpg", "①.jpg", "①/x9.jpg", "①/x10.jpg", "①/x².jpg"]


@given(st.lists(st.text(), max_size=8))
def test_any_names_have_an_order(names: list[str]) -> None:
    ordered = sorted(names, key=natural_key)
    assert all(natural_key(a) <= natural_key(b) for a, b in pairwise(ordered))


@pytest.mark.parametrize(
    ("first", "second"), [("img2", "img10"), ("IMG2", "img3"), ("a", "B"), ("1", "a"), ("x9y10", "x9y11")]
)
def test_natural_order(first: str, second: str) -> None:
    assert natural_key(first) < natural_key(second)
