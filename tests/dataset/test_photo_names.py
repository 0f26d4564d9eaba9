"""Which photo a name of a file means."""

from __future__ import annotations

import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset.photo_names import find_photos, match_names, namesakes, unique_ids

NFD = unicodedata.normalize("NFD", "Bäckerei_학교.jpg")


@pytest.mark.parametrize(
    ("name", "photos", "meant"),
    [
        ("a.jpg", ["a.jpg", "sub/a.jpg"], "a.jpg"),
        ("../../media/upload/4/10.jpg", ["10.jpg", "12.jpg"], "10.jpg"),
        ("C:/Users/someone/set/sub/12.jpg", ["12.png", "sub/12.jpg", "other/12.jpg"], "sub/12.jpg"),
        ("data/set/cam2/0001.jpg", ["cam1/0001.jpg", "cam2/0001.jpg"], "cam2/0001.jpg"),
        ("0001.jpg", ["cam1/0001.jpg", "cam2/0001.jpg"], None),
        ("photos/a.jpg", ["a.jpg", "sub/a.jpg"], "a.jpg"),  # the folder's own name
        ("elsewhere/a.jpg", ["a.jpg", "sub/a.jpg"], None),
        ("Bäckerei_학교.jpg", [NFD, "b.jpg"], NFD),
        ("IMG_2.JPG", ["img_2.jpg"], "img_2.jpg"),
        ("img.jpg", ["Img.jpg", "IMG.jpg"], None),
        ("a.jpg", ["a.png"], "a.png"),
        ("a.jpg", ["a.png", "a.webp"], None),
        ("a.jpg", ["b.jpg"], None),
        ("", ["b.jpg"], None),
        ("/etc/passwd", ["passwd.jpg"], "passwd.jpg"),
    ],
)
def test_the_photo_that_is_meant(name: str, photos: list[str], meant: str | None) -> None:
    assert match_names([name], photos, "photos").photos.get(name) == meant


def test_no_photo_is_meant_twice() -> None:
    found = match_names(["train/1.jpg", "val/1.jpg", "2.jpg", "x/2.jpg", "3.png", "3.jpg"], ["1.jpg", "2.jpg", "3.jpg"])
    assert found.photos == {"2.jpg": "2.jpg", "3.jpg": "3.jpg"}
    assert found.ambiguous == {"train/1.jpg", "val/1.jpg"}


@given(
    st.lists(st.text("aA./é", max_size=8), max_size=6), st.lists(st.text("aA./é", min_size=1, max_size=8), unique=True)
)
def test_every_photo_has_one_name_at_the_most(names: list[str], photos: list[str]) -> None:
    found = match_names(names, photos)
    assert len(set(found.photos.values())) == len(found.photos)
    assert set(found.photos.values()) <= set(photos)
    assert all(found.photos[name] == name for name in names if name in photos)
    assert not found.ambiguous & found.photos.keys()


def test_the_same_name_in_ten_thousand_folders_takes_no_time() -> None:
    photos = [f"case {n}/slice/image.png" for n in range(10_000)]
    start = time.thread_time()
    found = match_names([f"d:/set/{photo}" for photo in photos], photos)
    assert time.thread_time() - start < 2
    assert list(found.photos.values()) == photos


def test_nothing_outside_the_folder_is_looked_at(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for path in (tmp_path / "secret.jpg", folder / "a.jpg", folder / "b.jpg"):
        path.touch()
    names = ["../secret.jpg", str(tmp_path / "secret.jpg"), "../photos/a.jpg", "b.jpg", "x" * 5000, "\0.jpg"]
    assert find_photos(names, folder).photos == {"../photos/a.jpg": "a.jpg", "b.jpg": "b.jpg"}
    assert find_photos(names, tmp_path / "none").photos == {}


def test_new_ids_are_those_that_nothing_names() -> None:
    assert unique_ids([1, None, 1, "u", 7], ["a", "b", "c", "d", "e"], {9}) == ([1, 10, 11, "u", 7], frozenset())
    assert unique_ids([1, 1, 1], ["a", "b", "a"], {1}) == ([1, 1, 1], {1})
    assert unique_ids([1, 1], ["a", "a"], {1}) == ([1, 1], frozenset())


def test_a_last_part_that_several_photos_have_or_had_says_nothing_alone() -> None:
    apart = namesakes(["cam1/0001.jpg", "cam2/0001.JPG", "cam2/0002.jpg"])
    assert apart == {"cam1/0001.jpg", "cam2/0001.JPG"}
    left = ["cam2/0001.JPG", "cam2/0002.jpg"]  # cam1 is gone
    names = ["cam1/0001.jpg", "0001.jpg", "data/cam2/0001.jpg", "cam1/0002.jpg"]
    for wanted in (names, names[:1], names[1:2]):
        found = match_names(wanted, left, apart=apart)
        assert found.photos.keys() == set(wanted) & {"data/cam2/0001.jpg", "cam1/0002.jpg"}
        assert found.ambiguous == set(wanted) & {"0001.jpg"}
    assert match_names(["photos/cam1/0001.jpg"], ["cam1/0001.jpg"], "photos", apart).photos
    assert match_names(["cam1/0001.jpg"], ["cam2/0001.JPG"]).photos, "where nothing is known of another"
    renamed = ["camera/0001.jpg", "cam2/0001.JPG"]
    found = match_names(["cam1/0001.jpg", "cam2/0001.JPG"], renamed, apart=apart).photos
    assert found == {"cam1/0001.jpg": "camera/0001.jpg", "cam2/0001.JPG": "cam2/0001.JPG"}
