"""Killed processes, full disks, folders that cannot be written to: nothing is lost, and what was on disk stays."""

from __future__ import annotations

import json
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path

import pytest

from annotator.core.annotation import Annotation
from annotator.core.photo_state import Mark, PhotoState
from annotator.core.store.autosave import Autosave
from annotator.core.store.store import SaveNotice, SaveState, Store, StoreError
from dataset import file_swap
from dataset.geometry import rectangle
from tests.annotator.core.conftest import FILE, NAMES, Opener, box, saved
from tests.faults.disks import delete
from tests.strategies import SIZE

resource = pytest.importorskip("resource", reason="limits on files are POSIX's")

WORKER = """
import sys, time
from pathlib import Path
from annotator.core.annotation import Annotation
from annotator.core.photo_state import Mark, PhotoState
from annotator.core.store.store import Store
from dataset.geometry import rectangle

folder = Path(sys.argv[1])
store = Store.open(folder, fallback=folder.parent / "fallback")
number = int(sys.argv[2])
while True:
    number += 1
    for name in ("a.jpg", "b.jpg"):
        annotation = Annotation(100001, 1, rectangle(1, 1, 9, 9), extra={"number": number})
        store.put(name, PhotoState((64, 48), (annotation,)))
    print(number, time.monotonic(), flush=True)
    time.sleep(0.01)
"""


def wait_for(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait until it is true, and fail if it never is."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def rows(photos: Path) -> dict[str, bytes | None]:
    """What the journal on disk has: name -> packed annotations."""
    db = sqlite3.connect(photos / ".annotator" / "project.sqlite")
    try:
        return dict(db.execute("SELECT name, annotations FROM photos"))
    finally:
        db.close()


def noted_classes(photos: Path) -> bytes | None:
    """The classes that the journal on disk has."""
    db = sqlite3.connect(photos / ".annotator" / "project.sqlite")
    try:
        found = db.execute("SELECT value FROM facts WHERE key = 'categories'").fetchone()
        return found and found[0]
    finally:
        db.close()


@contextmanager
def no_room(room: int = 1000) -> Iterator[None]:
    """No file can grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def unsaveable(photos: Path) -> Iterator[None]:
    """The COCO file cannot be written, the journal can."""
    file = photos / "annotations.json"
    if file.exists():
        file.chmod(0o444)
        yield
        file.chmod(0o644)
    else:
        file.mkdir()
        yield
        file.rmdir()


def crashed(photos: Path, to: Path) -> Path:
    """The folder as a crash at this moment would leave it."""
    shutil.copytree(photos, to)
    (to / "annotations.json").chmod(0o644)
    return to


def test_a_killed_process_loses_nothing_older_than_2_seconds(photos: Path, tmp_path: Path) -> None:
    """Killed at random moments, in the middle of saving a file of 20,000 annotations too."""
    data = {
        "images": [{"id": i, "file_name": name, "width": 64, "height": 48} for i, name in enumerate(NAMES)],
        "annotations": [{"id": i + 1, "image_id": 2, "category_id": 1, "bbox": [1, 1, 5, 5]} for i in range(20_000)],
        "categories": [{"id": 1, "name": "thing"}],
    }
    (photos / "annotations.json").write_text(json.dumps(data))
    chance = random.Random(7)
    number = 0
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(photos), str(number)], stdout=subprocess.PIPE, text=True
        )
        try:
            assert process.stdout
            assert process.stdout.readline()  # it has begun
            time.sleep(chance.uniform(0, 3))
        finally:
            process.send_signal(signal.SIGKILL)
            killed = time.monotonic()
            output, _errors = process.communicate()
        made = [(int(n), float(t)) for n, t in (line.split() for line in output.splitlines() if line.count(" ") == 1)]
        store = Store.open(photos, fallback=tmp_path / "fallback")
        try:
            for name in ("a.jpg", "b.jpg"):
                kept = max((a.extra["number"] for a in store.load(name).annotations), default=0)
                assert kept >= max((n for n, t in made if t < killed - 2), default=number)
            assert store.count("sub/c.jpg") == 20_000
            number = max([number, *(n for n, _ in made)])
        finally:
            store.close()
        assert len(saved(photos / "annotations.json")["annotations"]) >= 20_000


def test_edits_that_only_the_journal_has_are_recovered(open_store: Opener, file: Path, tmp_path: Path) -> None:
    store = open_store()
    with unsaveable(file.parent):
        new = box(store)
        store.put("b.jpg", PhotoState(SIZE, (new,)))
        store.categories.rename(1, "lion")
        wait_for(lambda: "b.jpg" in rows(file.parent))
        folder = crashed(file.parent, tmp_path / "crashed")
    again = Store.open(folder, fallback=tmp_path)
    try:
        assert again.load("b.jpg").annotations == (new,)
        assert again.categories[1].name == "lion"
        assert "Unsaved edits of 1 photo were recovered." in again.warnings
        assert again.unsaved
        again.save().result(10)
        assert len(saved(folder / "annotations.json")["annotations"]) == 5
        assert list(folder.glob("annotations.*.json")) == []
    finally:
        again.close()


def test_recovery_over_another_programs_file_keeps_that_file(open_store: Opener, file: Path, tmp_path: Path) -> None:
    store = open_store()
    with unsaveable(file.parent):
        store.put("b.jpg", PhotoState(SIZE, (box(store),)))
        wait_for(lambda: "b.jpg" in rows(file.parent))
        folder = crashed(file.parent, tmp_path / "crashed")
    theirs = json.dumps({**FILE, "theirs": 1})
    (folder / "annotations.json").write_text(theirs)
    again = Store.open(folder, fallback=tmp_path)
    again.close()
    assert any("changed by another program" in warning for warning in again.warnings)
    (kept,) = folder.glob("annotations.*.json")
    assert kept.read_text() == theirs
    assert len(saved(folder / "annotations.json")["annotations"]) == 5


def _crashed_after_renaming_a_class(open_store: Opener, file: Path, tmp_path: Path) -> Path:
    store = open_store()
    with unsaveable(file.parent):
        store.categories.rename(1, "lion")
        wait_for(lambda: b"lion" in (noted_classes(file.parent) or b""))
        return crashed(file.parent, tmp_path / "crashed")


def test_classes_that_only_the_journal_has_get_into_the_file(open_store: Opener, file: Path, tmp_path: Path) -> None:
    folder = _crashed_after_renaming_a_class(open_store, file, tmp_path)
    again = Store.open(folder, fallback=tmp_path)
    assert "Unsaved changes of the classes were recovered." in again.warnings
    assert again.unsaved
    again.close()
    assert [c["name"] for c in saved(folder / "annotations.json")["categories"]] == ["lion", "class 8"]
    assert list(folder.glob("annotations.*.json")) == []
    last = Store.open(folder, fallback=tmp_path)
    last.close()
    assert not any("recovered" in warning for warning in last.warnings)


def test_recovered_classes_keep_those_of_another_programs_file(open_store: Opener, file: Path, tmp_path: Path) -> None:
    folder = _crashed_after_renaming_a_class(open_store, file, tmp_path)
    theirs = json.dumps({**FILE, "categories": [*FILE["categories"], {"id": 9, "name": "truck"}]})
    (folder / "annotations.json").write_text(theirs)
    again = Store.open(folder, fallback=tmp_path)
    again.close()
    assert any("changed by another program" in warning for warning in again.warnings)
    (kept,) = folder.glob("annotations.*.json")
    assert kept.read_text() == theirs
    categories = saved(folder / "annotations.json")["categories"]
    assert [(c["id"], c["name"]) for c in categories] == [(1, "lion"), (8, "class 8"), (9, "truck")]


def test_classes_noted_without_a_file_give_way_to_those_of_one_that_comes(open_store: Opener, photos: Path) -> None:
    """The model's are added to a folder without annotations, and then somebody's file is copied into it."""
    store = open_store()
    store.categories.add("person", category_id=1)
    store.categories.add("bicycle", category_id=2)
    store.close()
    reopened = open_store()
    assert [c.name for c in reopened.categories] == ["person", "bicycle"]
    reopened.close()
    (photos / "annotations.json").write_text(json.dumps(FILE))
    again = open_store()
    assert [(c.id, c.name) for c in again.categories] == [(1, "cat"), (8, "class 8")]
    assert not any("recovered" in warning for warning in again.warnings)
    again.put("b.jpg", PhotoState(SIZE, (box(again),)))
    again.close()
    assert [c["name"] for c in saved(photos / "annotations.json")["categories"]] == ["cat", "class 8"]


def test_a_crash_between_the_file_and_the_journal_recovers_nothing_new(
    open_store: Opener, file: Path, tmp_path: Path
) -> None:
    store = open_store()
    third = 1 / 3  # the file keeps two decimals: that is no difference
    store.put("b.jpg", PhotoState(SIZE, (Annotation(store.new_id(), 1, rectangle(third, third, 9, 9)),)))
    wait_for(lambda: rows(file.parent).get("b.jpg"))
    packed = rows(file.parent)["b.jpg"]
    store.close()
    db = sqlite3.connect(file.parent / ".annotator" / "project.sqlite")
    with db:
        db.execute("UPDATE photos SET annotations = ? WHERE name = 'b.jpg'", (packed,))
    db.close()
    again = open_store()
    assert not any("recovered" in warning for warning in again.warnings)
    assert not again.unsaved
    assert again.count("b.jpg") == 1


def test_a_damaged_journal_costs_history_but_no_annotations(open_store: Opener, file: Path) -> None:
    store = open_store()
    store.put("b.jpg", PhotoState(SIZE, (box(store),), mark=Mark.DONE))
    store.close()
    (file.parent / ".annotator" / "project.sqlite").write_bytes(b"damage" * 1000)
    again = open_store()
    assert any("damaged" in warning for warning in again.warnings)
    assert again.count("b.jpg") == 1
    assert not again.is_done("b.jpg")


@pytest.mark.parametrize("column", ["answered", "annotations"])
def test_a_damaged_row_costs_only_itself(open_store: Opener, file: Path, column: str) -> None:
    store = open_store()
    for name in NAMES:
        store.put(name, PhotoState(SIZE, (), (box(store),), mark=Mark.DONE))
    store.close()
    db = sqlite3.connect(file.parent / ".annotator" / "project.sqlite")
    with db:
        db.execute(f"UPDATE photos SET {column} = ? WHERE name = 'a.jpg'", (b"\xc1damage",))
    db.close()
    again = open_store()
    assert any("damaged" in warning for warning in again.warnings) == (column == "annotations")
    assert again.load("a.jpg").reviewed == ()
    assert bool(again.reviewed_scores("a.jpg")) == (column == "annotations")
    assert again.is_done("a.jpg")
    assert len(again.load("b.jpg").reviewed) == 1


def test_a_full_disk_is_told_once_and_nothing_is_lost(open_store: Opener, file: Path) -> None:
    notices: list[SaveNotice] = []
    store = open_store(notify=notices.append)
    before = file.read_bytes()
    many = [box(store, x) for x in range(40)]
    with no_room():
        store.put("b.jpg", PhotoState(SIZE, tuple(many)))
        for _ in range(2):
            with pytest.raises(StoreError, match=r"annotations\.json could not be saved \(file too large\)"):
                store.save().result(10)
        assert file.read_bytes() == before
        assert list(file.parent.glob(".annotations*")) == []
        wait_for(lambda: any("noted down" in notice.message for notice in notices))
        assert store.unsaved
    store.save().result(10)
    assert not store.unsaved
    store.close()
    assert len([n for n in notices if "could not be saved" in n.message]) <= 2  # with and without the journal
    assert len([n for n in notices if "noted down" in n.message]) == 1
    assert notices[-1].state is SaveState.SAVED
    assert open_store().load("b.jpg").annotations == tuple(many)


def test_a_file_that_cannot_be_written_is_tried_again(open_store: Opener, photos: Path) -> None:
    notices: list[SaveNotice] = []
    store = open_store(notify=notices.append)
    with unsaveable(photos):
        store.put("b.jpg", PhotoState(SIZE, (box(store),)))
        wait_for(lambda: notices)
        assert notices[0].state is SaveState.FAILED
        assert "your work is kept meanwhile" in notices[0].message
    wait_for(lambda: not store.unsaved)
    store.close()
    assert [notice.state for notice in notices] == [SaveState.FAILED, SaveState.SAVED]


def test_a_folder_that_is_deleted_says_where_the_work_is_kept(open_store: Opener, photos: Path) -> None:
    notices: list[SaveNotice] = []
    store = open_store(notify=notices.append)
    store.put("a.jpg", PhotoState(SIZE, (box(store),)))
    wait_for(lambda: notices)
    delete(photos)
    store.put("b.jpg", PhotoState(SIZE, (box(store),)))
    wait_for(lambda: any("your work is kept meanwhile" in notice.message for notice in notices))
    assert str(store.private_folder) in notices[-1].message
    assert not photos.exists()
    photos.mkdir()
    store.close()


def test_saving_elsewhere_that_fails_changes_nothing(open_store: Opener, file: Path, tmp_path: Path) -> None:
    notices: list[SaveNotice] = []
    store = open_store(notify=notices.append)
    with pytest.raises(StoreError, match=r"could not be saved there: no such file .* stay in .*annotations\.json"):
        store.save_as(tmp_path / "none" / "other.json").result(10)
    assert store.file == file
    store.save_as(tmp_path / "other.json").result(10)
    assert [notice.state for notice in notices] == [SaveState.FAILED, SaveState.SAVED]


@pytest.mark.parametrize("is_stalled", [False, True])
def test_no_photo_is_saved_over(
    open_store: Opener, file: Path, monkeypatch: pytest.MonkeyPatch, is_stalled: bool
) -> None:
    store = open_store()
    photo, private = file.with_name("a.jpg"), store.private_folder / "journal.sqlite"
    before = photo.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(Autosave, "is_stalled", is_stalled)
        for target, why in ((photo, "is a picture"), (private, "a project's private folder")):
            with pytest.raises(StoreError, match=f"{target.name} .*{why}.*; choose another place.$"):
                store.save_as(target).result(10)
    assert photo.read_bytes() == before
    assert store.file == file


@contextmanager
def mounted(*arguments: str) -> Iterator[None]:
    """Something mounted; the test is skipped where that cannot be done."""
    if not shutil.which("mount") or subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", arguments[-1]], check=True)


def test_a_folder_that_cannot_be_written_to(photos: Path, file: Path, tmp_path: Path) -> None:
    before = file.read_bytes()
    fallback = tmp_path / "fallback"
    first = Store.open(photos, fallback=fallback)
    first.put("a.jpg", PhotoState(SIZE, first.load("a.jpg").annotations, mark=Mark.DONE))
    first.close()
    with mounted("--bind", str(photos), str(photos)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(photos)], check=True)
        notices: list[SaveNotice] = []
        store = Store.open(photos, fallback=fallback, notify=notices.append)
        try:
            assert any("cannot be written to" in warning for warning in store.warnings)
            assert store.is_done("a.jpg")
            new = box(store)
            store.put("b.jpg", PhotoState(SIZE, (new,)))
            with pytest.raises(StoreError, match="read-only"):
                store.save().result(10)
        finally:
            store.close()
        assert notices[0].state is SaveState.FAILED
        store = Store.open(photos, fallback=fallback)
        assert store.load("b.jpg").annotations == (new,)
        store.close()
        assert file.read_bytes() == before
    store = Store.open(photos, fallback=fallback)
    assert store.load("b.jpg").annotations == (new,)
    assert store.is_done("a.jpg")
    store.close()
    assert len(saved(file)["annotations"]) == 5
    store = Store.open(photos, fallback=fallback)
    assert store.warnings == ["1 photo of annotations.json is not in the folder; its annotations are kept."]
    store.close()


def test_work_on_a_write_protected_card_waits_for_that_card(tmp_path: Path) -> None:
    cards = []
    for n in range(2):
        cards.append(tmp_path / f"card {n}")
        cards[n].mkdir()
        (cards[n] / "DSC_0001.jpg").write_bytes(bytes(10 + n))
    slot, fallback, names = tmp_path / "slot", tmp_path / "fallback", ["DSC_0001.jpg"]
    slot.mkdir()

    def work(n: int, *, protected: bool, add: bool) -> tuple[int, Sequence[str]]:
        with mounted("--bind", str(cards[n]), str(slot)):
            if protected:
                subprocess.run(["mount", "-o", "remount,ro,bind", str(slot)], check=True)
            store = Store.open(slot, fallback=fallback, names=names)
            try:
                if add:
                    boxes = (*store.load(names[0]).annotations, box(store))
                    store.put(names[0], PhotoState(SIZE, boxes))
                return store.count(names[0]), store.warnings
            finally:
                store.close()

    assert work(0, protected=True, add=True)[0] == 1
    count, warnings = work(1, protected=False, add=False)
    assert count == 0
    assert any("other photos" in warning and str(slot) in warning for warning in warnings)
    assert not (cards[1] / "annotations.json").exists()
    assert work(1, protected=True, add=True)[0] == 1
    count, warnings = work(0, protected=True, add=True)  # both cards are protected, and have a place each
    assert count == 2
    assert not any("other photos" in warning for warning in warnings)
    assert work(0, protected=False, add=False)[0] == 2
    assert len(saved(cards[0] / "annotations.json")["annotations"]) == 2
    assert work(1, protected=False, add=False)[0] == 1
    assert len(saved(cards[1] / "annotations.json")["annotations"]) == 1
    assert not any("other photos" in warning for warning in work(0, protected=False, add=False)[1])


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    photos = tmp_path / "disk"
    photos.mkdir()
    with mounted("-t", "tmpfs", "-o", "size=400k", "none", str(photos)):
        (photos / "a.jpg").touch()
        store = Store.open(photos, fallback=tmp_path / "fallback")
        try:
            store.put("a.jpg", PhotoState(SIZE, (box(store),)))
            store.save().result(10)
            before = (photos / "annotations.json").read_bytes()
            filler = (photos / "filler").open("wb", buffering=0)
            with filler, pytest.raises(OSError, match="No space"):
                filler.writelines(repeat(b"x" * 1024))
            store.put("a.jpg", PhotoState(SIZE, tuple([box(store, x) for x in range(100)])))
            with pytest.raises(StoreError, match="no space left"):
                store.save().result(10)
            assert (photos / "annotations.json").read_bytes() == before
            assert not list(photos.glob(".annotations*"))
            (photos / "filler").unlink()
            store.save().result(10)
            assert len(saved(photos / "annotations.json")["annotations"]) == 100
        finally:
            store.close()


def test_nowhere_to_write(photos: Path, tmp_path: Path) -> None:
    (photos / ".annotator").write_text("in the way")
    (tmp_path / "fallback").write_text("in the way")
    with pytest.raises(StoreError, match="Neither"):
        Store.open(photos, fallback=tmp_path / "fallback")


SAVING = """
import json, os, sys
from pathlib import Path
from annotator.core.annotation import Annotation
from annotator.core.photo_state import PhotoState
from annotator.core.store import project_file
from annotator.core.store.store import Store
from dataset import atomic_files
from dataset.geometry import rectangle

photos, moment = Path(sys.argv[1]), sys.argv[2]
file = photos / "annotations.json"
store = Store.open(photos, fallback=photos.parent / "fallback")
store.put("b.jpg", PhotoState((64, 48), (Annotation(store.new_id(), 1, rectangle(1, 1, 9, 9)),)))
store.save().result()
file.write_text(json.dumps({**json.loads(file.read_text()), "theirs": 1}))
store.put("b.jpg", PhotoState((64, 48), (Annotation(store.new_id(), 1, rectangle(2, 2, 9, 9)),)))
project_file.ProjectFile.is_in_place = lambda self: False
if moment == "before":
    atomic_files.put_or_swap = lambda new, path: os._exit(9)
else:
    project_file.ProjectFile.is_ours = lambda self, path: os._exit(9)
store.save().result()
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_while_two_files_change_places_costs_neither(file: Path, tmp_path: Path, moment: str) -> None:
    if moment == "after" and file_swap._library() is None:
        pytest.skip("files do not change places in one step on this system")
    done = subprocess.run([sys.executable, "-c", SAVING, str(file.parent), moment], check=False)
    assert done.returncode == 9
    again = Store.open(file.parent, fallback=tmp_path / "fallback")
    again.close()
    (kept,) = file.parent.glob("annotations.*.json")
    assert json.loads(kept.read_text())["theirs"] == 1
    assert [a["bbox"][0] for a in saved(file)["annotations"] if a["image_id"] not in (3, 7, 9)] == [2]
    assert [path.name for path in file.parent.glob(".annotations*")] == []
    last = Store.open(file.parent, fallback=tmp_path / "fallback")
    last.close()
    assert not any("another program" in warning for warning in last.warnings)
