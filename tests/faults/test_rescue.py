"""Save as… when the place that the work was in is gone, and what is said about where the work is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from annotator.core.photo_state import Mark, PhotoState
from annotator.core.store import project_folder
from annotator.core.store.store import SaveNotice, SaveState, Store, StoreError
from tests.annotator.core.conftest import Opener, box, saved
from tests.annotator.core.store.test_store_failures import no_room, wait_for
from tests.faults.disks import Disk, delete, small_disk
from tests.strategies import SIZE

MANY = 400  # boxes: more than fits into what a full disk still has


def _rename(disk: Disk) -> None:
    (disk.path / "photos").rename(disk.path / "renamed")


def _delete(disk: Disk) -> None:
    delete(disk.path / "photos")


def _delete_private(disk: Disk) -> None:
    delete(disk.path / "photos" / ".annotator")
    disk.fill()


@contextmanager
def _opened(tmp_path: Path, notices: list[SaveNotice]) -> Iterator[tuple[Store, Disk]]:
    """A project on a small disk, with what was saved, what was only noted down, and what is neither."""
    with small_disk(tmp_path / "disk") as disk:
        photos = disk.path / "photos"
        photos.mkdir()
        for name in ("a.jpg", "b.jpg", "c.jpg"):
            (photos / name).touch()
        store = Store.open(photos, fallback=tmp_path / "home", notify=notices.append)
        try:
            store.categories.add("thing")
            store.put("a.jpg", PhotoState(SIZE, (box(store),), mark=Mark.DONE))
            store.save().result(10)
            wait_for(lambda: store.is_kept)
            yield store, disk
        finally:
            store.close()


@pytest.mark.parametrize("accident", [Disk.fill, Disk.pull, _delete, _rename, _delete_private])
def test_everything_goes_along_to_a_healthy_disk(tmp_path: Path, accident: Callable[[Disk], None]) -> None:
    notices: list[SaveNotice] = []
    target = tmp_path / "healthy" / "rescued.json"
    target.parent.mkdir()
    with _opened(tmp_path, notices) as (store, disk):
        store.put("b.jpg", PhotoState(SIZE, tuple(box(store, x) for x in range(MANY)), (), mark=Mark.DONE))
        accident(disk)
        store.categories.add("late")
        store.save_as(target).result(10)
        assert store.file == target
        assert not store.unsaved
        assert len(saved(target)["annotations"]) == 1 + MANY
        assert [c["name"] for c in saved(target)["categories"]] == ["thing", "late"]
        assert notices[-1].state is SaveState.SAVED

        store.put("c.jpg", PhotoState(SIZE, (box(store),), (box(store),), mark=Mark.DONE))
        store.save().result(10)
        assert len(saved(target)["annotations"]) == 2 + MANY
        wait_for(lambda: store.is_kept)
        assert store.private_folder.is_relative_to(tmp_path / "home")
        assert not (disk.path / "annotations.json").exists()
        if accident is Disk.pull:
            assert list(disk.path.iterdir()) == [], "nothing is put in the empty folder that the stick was mounted on"
        store.close()
        if accident is Disk.pull:
            return
        photos = disk.path / "photos"
        if accident in (_rename, _delete):
            photos.mkdir()
            for name in ("a.jpg", "b.jpg", "c.jpg"):
                (photos / name).touch()
        for room in (False, True):
            if room and (disk.path / "filler").exists():
                disk.make_room()
            again = Store.open(photos, fallback=tmp_path / "home")
            assert again.file == target
            assert [again.count(name) for name in again.names] == [1, MANY, 1]
            assert [again.is_done(name) for name in again.names] == [True, True, True]
            assert len(again.load("c.jpg").reviewed) == 1
            again.close()


@pytest.mark.parametrize("accident", [Disk.fill, Disk.pull, _delete, _rename])
def test_what_cannot_be_saved_is_noted_down_in_the_home_folder(
    tmp_path: Path, accident: Callable[[Disk], None]
) -> None:
    notices: list[SaveNotice] = []
    with _opened(tmp_path, notices) as (store, disk):
        accident(disk)
        new = tuple(box(store, x) for x in range(MANY))
        store.put("b.jpg", PhotoState(SIZE, new))
        with pytest.raises(StoreError, match="your work is kept meanwhile") as caught:
            store.save().result(10)
        assert str(store.private_folder) in str(caught.value)
        assert store.private_folder.is_relative_to(tmp_path / "home")
        assert store.is_kept
        assert any(n.state is SaveState.NOTE and str(store.private_folder) in n.message for n in notices)
        home = tmp_path / "later"
        shutil.copytree(tmp_path / "home", home)  # as a crash at this moment would leave it
    with small_disk(tmp_path / "disk") as disk:
        (disk.path / "photos").mkdir()
        (disk.path / "photos" / "b.jpg").touch()
        store = Store.open(disk.path / "photos", fallback=home)
        assert store.load("b.jpg").annotations == new
        store.close()


def test_the_journal_goes_back_once_there_is_room(tmp_path: Path) -> None:
    notices: list[SaveNotice] = []
    with _opened(tmp_path, notices) as (store, disk):
        disk.fill()
        store.put("b.jpg", PhotoState(SIZE, tuple(box(store, x) for x in range(MANY)), mark=Mark.DONE))
        with pytest.raises(StoreError):
            store.save().result(10)
        disk.make_room()
        store.save().result(10)
        assert store.private_folder == disk.path / "photos" / ".annotator"
        store.close()
        again = Store.open(disk.path / "photos", fallback=tmp_path / "elsewhere")
        assert again.warnings == []
        assert again.count("b.jpg") == MANY
        assert again.is_done("b.jpg")
        again.close()


def test_a_private_folder_that_is_deleted_once_more_while_it_is_made_again_is_made_again(
    open_store: Opener, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store()
    store.put("a.jpg", PhotoState(SIZE, (), (box(store),)))
    wait_for(lambda: store.is_kept)
    tried: list[Path] = []
    try_out = project_folder._try_out

    def deleted_meanwhile(folder: Path) -> None:
        tried.append(folder)
        if len(tried) == 1:
            delete(folder)
        try_out(folder)

    monkeypatch.setattr(project_folder, "_try_out", deleted_meanwhile)
    delete(photos / ".annotator")
    store.put("b.jpg", PhotoState(SIZE, (), (box(store),)))
    wait_for(lambda: len(tried) > 1 and store.is_kept)
    assert tried == [photos / ".annotator"] * 2
    assert store.private_folder == photos / ".annotator"
    store.close()
    again = open_store()
    assert all(again.load(name).reviewed for name in ("a.jpg", "b.jpg"))
    again.close()


def test_a_private_folder_that_is_deleted_is_made_again_with_everything(
    open_store: Opener, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_folder, "LOCK_WAIT", 0.1)
    notices: list[SaveNotice] = []
    store = open_store(notify=notices.append)
    mine, answered = box(store), box(store)
    store.categories.add("thing")
    store.put("a.jpg", PhotoState(SIZE, (mine,), (answered,), mark=Mark.DONE))
    store.close()
    store = open_store(notify=notices.append)
    store.put("b.jpg", PhotoState(SIZE, (box(store),), mark=Mark.DONE))
    store.save().result(10)
    wait_for(lambda: store.is_kept)
    delete(photos / ".annotator")
    store.put("sub/c.jpg", PhotoState(SIZE, (), (answered,)))
    wait_for(lambda: (photos / ".annotator").exists() and store.is_kept)
    assert store.private_folder == photos / ".annotator"
    assert any("was deleted" in n.message for n in notices)
    with pytest.raises(StoreError, match="open in another"):
        open_store()
    store.close()
    again = open_store()
    assert again.load("a.jpg") == PhotoState(SIZE, (mine,), (answered,), mark=Mark.DONE)
    assert again.is_done("b.jpg")
    assert again.load("sub/c.jpg").reviewed == (answered,)


def test_a_deleted_private_folder_does_not_keep_the_first_save_from_its_file(open_store: Opener, file: Path) -> None:
    store = open_store()
    delete(file.parent / ".annotator")
    store.put("b.jpg", PhotoState(SIZE, (box(store),)))
    store.save().result(10)
    assert len(saved(file)["annotations"]) == 5
    assert len(list((file.parent / ".annotator" / "backup").iterdir())) == 1


def test_where_nothing_can_be_written_nothing_is_promised(open_store: Opener, file: Path, tmp_path: Path) -> None:
    notices: list[SaveNotice] = []
    store = open_store(notify=notices.append)
    with no_room():
        store.put("b.jpg", PhotoState(SIZE, tuple(box(store, x) for x in range(40))))
        with pytest.raises(StoreError, match="keep the window open"):
            store.save().result(10)
        with pytest.raises(StoreError, match=r"other\.json.*only in this window"):
            store.save_as(tmp_path / "other.json").result(10)
        assert not store.is_kept
        assert not (tmp_path / "other.json").exists()
    store.save_as(tmp_path / "other.json").result(10)
    assert len(saved(tmp_path / "other.json")["annotations"]) == 44


def test_a_file_that_has_everything_is_named_only_while_it_is_there(
    open_store: Opener, file: Path, tmp_path: Path
) -> None:
    store = open_store()
    store.put("b.jpg", PhotoState(SIZE, (box(store),)))
    store.save().result(10)
    with pytest.raises(StoreError, match=r"none/x\.json.*stay in .*annotations\.json"):
        store.save_as(tmp_path / "none" / "x.json").result(10)
    file.unlink()  # and with it what this session did not touch
    with pytest.raises(StoreError, match="only in this window"):
        store.save_as(tmp_path / "none" / "x.json").result(10)


def test_a_file_that_was_deleted_is_written_anew(open_store: Opener, file: Path) -> None:
    notices: list[SaveNotice] = []
    store = open_store(notify=notices.append)
    store.put("b.jpg", PhotoState(SIZE, (box(store),)))
    store.save().result(10)
    before = file.read_bytes()
    file.unlink()
    store.save().result(10)
    assert file.read_bytes() == before
    assert [n.state for n in notices] == [SaveState.SAVED, SaveState.SAVED]


def test_saving_with_another_programs_file_in_the_place_keeps_that_one_too(open_store: Opener, file: Path) -> None:
    store = open_store()
    store.put("b.jpg", PhotoState(SIZE, (box(store),)))
    store.save().result(10)
    before = file.read_bytes()
    file.write_text("theirs")
    store.save().result(10)
    assert file.read_bytes() == before
    (kept,) = file.parent.glob("annotations.*.json")
    assert kept.read_text() == "theirs"


REPLACER = """
import os, sys, time
from pathlib import Path
file, number = Path(sys.argv[1]), 0
while True:
    number += 1
    new = file.with_name("theirs")
    new.write_text(f"theirs {number}")
    os.replace(new, file)
    print(number, flush=True)
    time.sleep(0.001)
"""


def test_a_program_that_writes_the_file_all_the_time_loses_nothing_to_us(open_store: Opener, file: Path) -> None:
    """Each version that our file replaced is kept; those that theirs replaced were theirs to lose."""
    store = open_store()
    ours = set()
    process = subprocess.Popen([sys.executable, "-c", REPLACER, str(file)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        process.stdout.readline()
        for number in range(20):
            store.put("b.jpg", PhotoState(SIZE, tuple(box(store) for _ in range(number + 1))))
            store.save().result(10)
            ours.add(number)
    finally:
        process.kill()
        process.communicate()
    store.close()
    kept = [path.read_text() for path in file.parent.glob("annotations.*.json")]
    assert len(kept) >= 10
    assert all(text.startswith("theirs ") for text in kept)
    assert len(set(kept)) == len(kept)


def test_a_protected_file_is_asked_about(open_store: Opener, file: Path) -> None:
    notices: list[SaveNotice] = []
    file.chmod(0o444)
    before = file.read_bytes()
    store = open_store(notify=notices.append)
    store.put("b.jpg", PhotoState(SIZE, (box(store),)))
    with pytest.raises(StoreError, match="write-protected"):
        store.save().result(10)
    assert file.read_bytes() == before
    assert [n.state for n in notices] == [SaveState.PROTECTED]
    store.replace_protected()
    wait_for(lambda: not store.unsaved)
    assert len(saved(file)["annotations"]) == 5
    assert file.stat().st_mode & 0o777 == 0o444


def test_a_protected_file_is_no_place_to_save_to(open_store: Opener, file: Path, tmp_path: Path) -> None:
    target = tmp_path / "precious.json"
    target.write_text("precious")
    target.chmod(0o444)
    store = open_store()
    with pytest.raises(StoreError, match=r"write-protected.*precious\.json"):
        store.save_as(target).result(10)
    assert target.read_text() == "precious"
    assert store.file == file


def test_saving_to_a_file_that_another_window_has_is_refused(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_folder, "LOCK_WAIT", 0.1)
    other = tmp_path / "other"
    shutil.copytree(photos, other)
    home = tmp_path / "home"
    first, second = Store.open(photos, fallback=home), Store.open(other, fallback=home)
    try:
        first.put("a.jpg", PhotoState(SIZE, (box(first),)))
        first.save().result(10)
        with pytest.raises(StoreError, match=r"photos/annotations\.json is open in another"):
            second.save_as(first.file).result(10)
        first.save_as(tmp_path / "x.json").result(10)
        second.save_as(photos / "annotations.json").result(10)
    finally:
        first.close()
        second.close()


def test_a_folder_remembers_the_file_it_was_saved_to(open_store: Opener, photos: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    store = open_store()
    store.put("a.jpg", PhotoState(SIZE, (box(store),)))
    store.save_as(other).result(10)
    store.put("b.jpg", PhotoState(SIZE, (box(store),)))
    store.close()
    again = open_store()
    assert again.file == other
    assert again.warnings == []
    assert [again.count(name) for name in ("a.jpg", "b.jpg")] == [1, 1]
    again.close()
    other.rename(tmp_path / "away.json")
    again = open_store()
    assert again.file == photos / "annotations.json"
    (sentence,) = again.warnings
    assert str(other) in sentence
    assert "annotations.json is open" in sentence
    again.close()
    (tmp_path / "away.json").rename(other)
    assert open_store().file == other


def test_a_saved_as_copy_lies_where_the_folder_lies(open_store: Opener, photos: Path, tmp_path: Path) -> None:
    """A file among the photos moves with them."""
    store = open_store()
    store.put("a.jpg", PhotoState(SIZE, (box(store),), mark=Mark.DONE))
    store.save_as(photos / "sub" / "second.json").result(10)
    store.close()
    moved = photos.rename(tmp_path / "moved")
    again = Store.open(moved, fallback=tmp_path / "home")
    assert again.file == moved / "sub" / "second.json"
    assert again.is_done("a.jpg")
    again.close()
