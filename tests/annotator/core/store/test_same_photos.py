from __future__ import annotations

import os
from pathlib import Path

import pytest

from annotator.core.store.same_photos import FILE, MOST, is_of, note, some_photos


@pytest.fixture
def card(tmp_path: Path) -> Path:
    folder = tmp_path / "card"
    folder.mkdir()
    for n in range(3):
        (folder / f"{n}.jpg").write_bytes(bytes(10 + n))
        os.utime(folder / f"{n}.jpg", (1_000_000 + n, 1_000_000 + n))
    return folder


def test_a_folder_is_known_by_any_of_its_photos(card: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    assert is_of(place, card) is None, "nothing is noted"
    note(place, card, some_photos(card, ["0.jpg", "1.jpg", "2.jpg", "gone.jpg", "no\0name.jpg"]))
    assert is_of(place, card)
    (card / "0.jpg").unlink()
    (card / "1.jpg").write_bytes(b"another one")
    assert is_of(place, card)
    os.utime(card / "2.jpg", (1_000_003 - 3600, 1_000_003 - 3600))  # FAT, in winter
    assert is_of(place, card)
    os.utime(card / "2.jpg", (1_000_030, 1_000_030))
    assert is_of(place, card), "copied anew, the file is the same"
    (card / "2.jpg").write_bytes(b"x" * 12)
    os.utime(card / "2.jpg", (1_000_030, 1_000_030))
    assert not is_of(place, card)
    note(place, card, some_photos(card, ["1.jpg"]))
    assert not is_of(place, card), "noted once"


def test_a_size_alone_is_no_sign(card: Path, tmp_path: Path) -> None:
    note(tmp_path, card, some_photos(card, ["0.jpg"]))
    (card / "0.jpg").write_bytes(b"x" * 10)
    os.utime(card / "0.jpg", (2_000_100, 2_000_100))
    assert not is_of(tmp_path, card)
    (card / "0.jpg").write_bytes(bytes(11))
    os.utime(card / "0.jpg", (1_000_000, 1_000_000))
    assert not is_of(tmp_path, card)


def test_a_disk_that_is_pulled_before_is_known_by_sizes_and_times(card: Path, tmp_path: Path) -> None:
    photos = some_photos(card, ["0.jpg"])
    away = card.rename(tmp_path / "away")
    note(tmp_path, card, photos)
    assert is_of(tmp_path, away)
    os.utime(away / "0.jpg", (2_000_100, 2_000_100))
    assert not is_of(tmp_path, away)


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"[" * 60_000])
def test_damaged_notes_say_nothing(card: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert is_of(tmp_path, card) is None


@pytest.mark.parametrize("noted", ["3", "[1]", '["a", 2, ""]', '[10, null, ""]', "[10, 1000000]"])
def test_a_damaged_note_is_of_no_photo(card: Path, tmp_path: Path, noted: str) -> None:
    (tmp_path / FILE).write_text(f'{{"0.jpg": {noted}}}')
    assert not is_of(tmp_path, card)


def test_few_of_many_photos_are_looked_at(card: Path) -> None:
    names = [f"{n}.jpg" for n in range(3)] * 1000
    assert len(some_photos(card, names)) <= MOST
    assert some_photos(card, []) == {}
