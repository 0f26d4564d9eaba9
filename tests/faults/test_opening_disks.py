"""Folders are opened on disks that are full, and files that another window has open."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from annotator.core.photo_state import Mark, PhotoState
from annotator.core.store import project_folder
from annotator.core.store.project_folder import ProjectFolder
from annotator.core.store.store import Store, StoreError
from tests.annotator.core.conftest import box, saved
from tests.faults.disks import small_disk
from tests.strategies import SIZE


def test_a_disk_that_is_full_when_its_folder_is_opened(tmp_path: Path) -> None:
    fallback = tmp_path / "home"
    with small_disk(tmp_path / "disk") as disk:
        for name in ("a.jpg", "b.jpg", "c.jpg"):
            (disk.path / name).touch()
        store = Store.open(disk.path, fallback=fallback)
        first, third = box(store), box(store)
        store.put("a.jpg", PhotoState(SIZE, (first,), mark=Mark.DONE))
        store.put("c.jpg", PhotoState(SIZE, (third,), (first,)))
        store.close()
        disk.fill()

        store = Store.open(disk.path, fallback=fallback)
        assert ["no space left" in w and str(store.private_folder) in w for w in store.warnings] == [True]
        assert store.private_folder.is_relative_to(fallback)
        assert store.is_done("a.jpg")
        second = box(store)
        store.put("a.jpg", PhotoState(SIZE, (first,)))
        store.put("b.jpg", PhotoState(SIZE, (second,), mark=Mark.DONE))
        store.close()
        assert len(saved(disk.path / "annotations.json")["annotations"]) == 2

        disk.make_room()
        for _ in range(2):  # when it is taken over, and afterwards
            store = Store.open(disk.path, fallback=fallback)
            assert store.private_folder == disk.path / ".annotator"
            assert store.load("b.jpg") == PhotoState(SIZE, (second,), mark=Mark.DONE)
            assert not store.is_done("a.jpg"), "the older journal had it done"
            assert store.load("c.jpg").reviewed == (first,)
            store.close()
        assert len(saved(disk.path / "annotations.json")["annotations"]) == 3


def test_a_folder_that_was_never_open_on_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        (disk.path / "a.jpg").touch()
        disk.fill()
        store = Store.open(disk.path, fallback=tmp_path / "home")
        new = box(store)
        store.put("a.jpg", PhotoState(SIZE, (new,)))
        store.close()
        store = Store.open(disk.path, fallback=tmp_path / "home")
        assert store.load("a.jpg").annotations == (new,)
        store.close()


def test_what_another_computer_did_meanwhile_is_not_undone(photos: Path, tmp_path: Path) -> None:
    """A stick that can only be read here, then is written to elsewhere, then here again."""
    fallback, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    store = Store.open(photos, fallback=fallback)
    store.put("a.jpg", PhotoState(SIZE, mark=Mark.NONE, reviewed=(box(store),)))
    store.close()
    (photos / ".annotator").rename(tmp_path / "aside")
    (photos / ".annotator").write_text("in the way")
    store = Store.open(photos, fallback=fallback)
    shutil.copytree(tmp_path / "aside", tmp_path / "copy")
    store.put("b.jpg", PhotoState(SIZE, mark=Mark.DONE))
    store.close()
    (photos / ".annotator").unlink()
    (tmp_path / "aside").rename(photos / ".annotator")
    store = Store.open(photos, fallback=elsewhere)
    store.put("a.jpg", PhotoState(SIZE, mark=Mark.DONE))
    store.close()
    store = Store.open(photos, fallback=fallback)
    assert store.is_done("a.jpg")
    assert store.is_done("b.jpg")
    store.close()


def test_two_folders_that_share_a_file_are_not_open_at_once(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_folder, "LOCK_WAIT", 0.1)
    other = tmp_path / "other"
    shutil.copytree(photos, other)
    file = tmp_path / "shared.json"
    (tmp_path / "link.json").symlink_to(file)
    first = Store.open(photos, file, fallback=tmp_path / "home")
    with pytest.raises(StoreError, match=r"shared\.json is open in another Annotator window"):
        Store.open(other, tmp_path / "link.json", fallback=tmp_path / "home")
    first.close()
    Store.open(other, file, fallback=tmp_path / "home").close()


def test_the_newest_backup_stays_when_the_clock_was_set_back(photos: Path, tmp_path: Path) -> None:
    file = photos / "annotations.json"
    folder = ProjectFolder(photos, tmp_path / "home")
    folder.take(photos / ".annotator")
    backups = folder.path / "backup"
    for number in range(14):
        file.write_text(str(number))
        folder.back_up(file)
        for path in backups.iterdir() if number == 9 else ():  # what was there comes from the future
            later = path.stat().st_mtime_ns + 10**18
            os.utime(path, ns=(later, later))
    folder.close()
    assert {int(path.read_text()) for path in backups.iterdir()} == set(range(4, 14))


def test_no_file_that_is_no_backup_is_deleted(photos: Path, tmp_path: Path) -> None:
    """A folder from elsewhere, whose folder of backups leads to somebody's documents."""
    documents = tmp_path / "documents"
    documents.mkdir()
    for number in range(20):
        (documents / f"letter {number}.txt").touch()
    (photos / ".annotator").mkdir()
    (photos / ".annotator" / "backup").symlink_to(documents)
    (photos / "annotations.json").write_text(json.dumps({"images": [], "annotations": []}))
    store = Store.open(photos, fallback=tmp_path / "home")
    store.put("a.jpg", PhotoState(SIZE, (box(store),)))
    store.close()
    assert len(list(documents.glob("letter *.txt"))) == 20
