from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO

from annotator.core.annotation import Annotation, Keypoint, Origin, Visibility
from annotator.core.document import Status
from annotator.core.photo_state import Mark, PhotoState
from annotator.core.store import autosave, project_folder
from annotator.core.store.coco_codec import CocoError
from annotator.core.store.journal import Journal
from annotator.core.store.recovery import DATABASE
from annotator.core.store.store import SaveNotice, SaveState, Store, StoreError
from annotator.core.store.suggestion_pools import RECENT, UNANSWERED, SuggestionPools
from dataset.folder import FolderError
from dataset.geometry import rectangle
from tests.annotator.core.conftest import FILE, NAMES, Opener, box, saved
from tests.strategies import SIZE, annotations


def test_a_folder_without_a_file(open_store: Opener, photos: Path) -> None:
    store = open_store()
    assert store.names == NAMES
    assert store.warnings == []
    assert len(store.categories) == 0
    record = store.load("a.jpg")
    assert record == PhotoState((0, 0))
    assert store.size_in_file("a.jpg") is None
    assert not store.unsaved
    store.categories.add("person")
    store.close()
    assert not (photos / "annotations.json").exists(), "classes alone make no file"


def test_what_is_put_is_there_at_once_and_after_reopening(open_store: Opener, photos: Path) -> None:
    store = open_store()
    store.categories.add("person")
    mine, suggestion = box(store), Annotation(-4, 1, rectangle(0, 0, 5, 5), score=0.25, origin=Origin.SUGGESTED)
    store.put("sub/c.jpg", PhotoState(SIZE, (mine,), (suggestion,), mark=Mark.DONE))
    for reopened in (False, True):
        if reopened:
            store.close()
        opened = open_store() if reopened else store
        record = opened.load("sub/c.jpg")
        assert record.annotations == (mine,)
        assert record.reviewed == (suggestion,)
        assert opened.reviewed_scores("sub/c.jpg") == [(0.25, 1)]
        assert record.done
        assert opened.count("sub/c.jpg") == 1
        assert opened.is_done("sub/c.jpg")
        assert opened.is_started("sub/c.jpg")
        assert not opened.is_started("a.jpg")
        assert opened.reviewed_scores("a.jpg") == []
    assert saved(photos / "annotations.json")["images"] == [
        {"id": 1, "file_name": "sub/c.jpg", "width": 64, "height": 48}
    ]


def test_an_answer_alone_starts_a_photo_and_survives(open_store: Opener, photos: Path) -> None:
    store = open_store()
    rejected = Annotation(-1, 1, rectangle(0, 0, 5, 5), score=0.9)
    store.put("a.jpg", PhotoState(SIZE, (), (rejected,)))
    assert not store.unsaved
    assert store.is_started("a.jpg")
    store.close()
    assert not (photos / "annotations.json").exists()
    store = open_store()
    assert store.is_started("a.jpg")
    assert store.load("a.jpg").reviewed == (rejected,)
    store.put("a.jpg", PhotoState(SIZE, (), ()))
    assert not store.is_started("a.jpg")


def test_a_done_photo_without_objects_gets_an_entry(open_store: Opener, photos: Path) -> None:
    store = open_store()
    store.put("a.jpg", PhotoState(SIZE, mark=Mark.DONE))
    assert store.unsaved
    store.save().result(10)
    assert [i["file_name"] for i in saved(photos / "annotations.json")["images"]] == ["a.jpg"]


def test_a_skipped_photo_stays_so_and_gets_no_entry(open_store: Opener, photos: Path) -> None:
    store = open_store()
    store.put("a.jpg", PhotoState(SIZE, mark=Mark.SKIPPED))
    store.close()
    again = open_store()
    assert (again.mark("a.jpg"), again.status("a.jpg")) == (Mark.SKIPPED, Status.SKIPPED)
    assert not again.is_done("a.jpg")
    assert not (photos / "annotations.json").exists(), "an entry without objects would say that there are none on it"


def test_saving_says_so_and_only_when_there_was_something(open_store: Opener, photos: Path) -> None:
    notices: list[SaveNotice] = []
    store = open_store(notify=notices.append)
    store.put("a.jpg", PhotoState(SIZE, (box(store),)))
    assert store.unsaved
    store.save().result(10)
    assert not store.unsaved
    before = (photos / "annotations.json").stat()
    store.save().result(10)
    store.close()
    assert notices == [SaveNotice(SaveState.SAVED)]
    assert (photos / "annotations.json").stat().st_ino == before.st_ino


def test_the_file_is_saved_without_being_asked(open_store: Opener, photos: Path) -> None:
    done = threading.Event()
    store = open_store(notify=lambda _notice: done.set())
    store.put("a.jpg", PhotoState(SIZE, (box(store),)))
    assert done.wait(30)
    assert len(saved(photos / "annotations.json")["annotations"]) == 1


def test_photos_are_found_by_path_then_by_their_only_last_part(open_store: Opener, file: Path) -> None:
    store = open_store()
    assert [store.count(name) for name in NAMES] == [2, 0, 1]
    assert store.size_in_file("a.jpg") == (64, 48)
    assert store.load("sub/c.jpg").annotations[0].is_box
    assert store.warnings == ["1 photo of annotations.json is not in the folder; its annotations are kept."]
    assert [c.name for c in store.categories] == ["cat", "class 8"]


def test_a_last_part_that_two_have_finds_nothing(open_store: Opener, photos: Path) -> None:
    entries = [{"id": i, "file_name": name, "width": 1, "height": 1} for i, name in enumerate(["x/a.jpg", "y/a.jpg"])]
    boxes = [{"id": i + 1, "image_id": i, "category_id": 1, "bbox": [0, 0, 1, 1]} for i in range(2)]
    (photos / "annotations.json").write_text(json.dumps({"images": entries, "annotations": boxes}))
    store = open_store()
    assert store.count("a.jpg") == 0
    assert store.size_in_file("a.jpg") is None


def test_annotations_of_no_photo_are_kept(open_store: Opener, file: Path) -> None:
    data = {**FILE, "annotations": [{"id": 1, "image_id": 99, "category_id": 1}, {"id": 2, "category_id": 1}]}
    file.write_text(json.dumps(data))
    store = open_store()
    assert "2 annotations of annotations.json belong to no photo of it; they are kept as they are." in store.warnings
    store.put("b.jpg", PhotoState(SIZE, (box(store),)))
    store.save().result(10)
    assert saved(file)["annotations"][:2] == data["annotations"]


def test_a_new_photo_does_not_come_by_annotations_of_no_photo(open_store: Opener, file: Path) -> None:
    file.write_text(json.dumps({**FILE, "images": [], "annotations": [{"id": 1, "image_id": 1, "category_id": 1}]}))
    store = open_store()
    store.put("a.jpg", PhotoState(SIZE, mark=Mark.DONE))
    store.save().result(10)
    store.close()
    again = open_store()
    assert again.count("a.jpg") == 0
    assert again.is_done("a.jpg")


def test_what_a_killed_save_has_left_is_removed(open_store: Opener, photos: Path) -> None:
    for name in (".annotations.json.tmp", ".annotations.json.0123456789abcdef.tmp"):
        (photos / name).write_text("half")
    open_store()
    assert not list(photos.glob(".annotations*"))


def test_names_that_lead_out_of_the_folder_lead_nowhere(open_store: Opener, photos: Path) -> None:
    (photos.parent / "secret.jpg").write_bytes(b"")
    entries = [{"id": 1, "file_name": "../secret.jpg"}, {"id": 2, "file_name": str(photos.parent / "secret.jpg")}]
    (photos / "annotations.json").write_text(json.dumps({"images": entries, "annotations": []}))
    assert open_store().names == NAMES


def test_only_what_changed_is_written_anew(open_store: Opener, file: Path) -> None:
    before = saved(file)
    store = open_store()
    first, second = store.load("a.jpg").annotations
    moved = replace(second, shape=rectangle(6, 6, 9, 9))
    new = box(store)
    assert new.id == 6
    store.put("a.jpg", PhotoState(SIZE, (first, moved, new)))
    store.save().result(10)
    after = saved(file)
    assert after["images"] == before["images"]
    assert after["info"] == before["info"]
    assert after["categories"][0] == before["categories"][0]
    assert after["annotations"][:3] == before["annotations"][:3]
    assert [a["id"] for a in after["annotations"]] == [1, 2, 4, 5, 6]
    assert after["annotations"][3]["bbox"] == [6, 6, 3, 3]
    assert json.dumps(before["annotations"][0], indent=1).split() == _line(file, 1).split()


def _line(file: Path, annotation_id: int) -> str:
    """The text of an annotation in the file."""
    text = file.read_text()
    start = text.index(f'"id": {annotation_id},\n   "image_id"')
    return text[text.rindex("{", 0, start) : text.index("}\n  }", start) + 5]


def test_a_change_that_is_taken_back_brings_back_the_very_bytes(open_store: Opener, file: Path) -> None:
    store = open_store()
    store.put("b.jpg", PhotoState(SIZE, (box(store),)))
    store.save().result(10)
    plain = file.read_bytes()
    record = store.load("a.jpg")
    store.put("a.jpg", PhotoState(SIZE))
    store.save().result(10)
    assert len(saved(file)["annotations"]) == 3
    store.put("a.jpg", PhotoState(SIZE, record.annotations))
    store.save().result(10)
    assert file.read_bytes() == plain


def test_the_size_that_annotations_were_made_for_is_kept(open_store: Opener, file: Path) -> None:
    store = open_store()
    record = store.load("a.jpg")
    store.put("a.jpg", PhotoState((100, 50), record.annotations, mark=Mark.DONE))
    store.put("b.jpg", PhotoState((10, 10), (box(store),)))
    store.save().result(10)
    assert saved(file)["images"][0]["width"] == 64
    store.put("a.jpg", PhotoState((100, 50), record.annotations[:1]))
    store.save().result(10)
    entry = saved(file)["images"][0]
    assert (entry["width"], entry["height"], entry["odd"]) == (64, 48, [1])


def test_classes_are_saved(open_store: Opener, file: Path) -> None:
    store = open_store()
    store.categories.rename(1, "lion")
    dog = store.categories.add("dog", color="#010203")
    assert store.unsaved
    store.close()
    classes = saved(file)["categories"]
    assert [(c["id"], c["name"]) for c in classes] == [(1, "lion"), (8, "class 8"), (dog.id, "dog")]
    assert classes[0]["odd"] == "yes"
    assert [c.name for c in open_store().categories] == ["lion", "class 8", "dog"]


def test_classes_of_a_project_without_a_file_are_remembered(open_store: Opener) -> None:
    store = open_store()
    store.categories.add("person", keypoint_names=("nose", "tail"), skeleton=((0, 1),))
    expected = tuple(store.categories)
    store.close()
    assert tuple(open_store().categories) == expected


def test_what_is_saved_loads_in_pycocotools(open_store: Opener, photos: Path, capsys: pytest.CaptureFixture) -> None:
    store = open_store()
    store.categories.add("person", keypoint_names=("nose",))
    nose = Keypoint(3, 4, Visibility.VISIBLE)
    store.put("a.jpg", PhotoState(SIZE, (replace(box(store), keypoints=(nose,)), box(store, 30))))
    store.save().result(10)
    coco: Any = COCO(str(photos / "annotations.json"))
    capsys.readouterr()
    assert coco.getAnnIds(imgIds=1, catIds=1) == [1, 2]
    assert coco.loadCats(1)[0]["keypoints"] == ["nose"]


def test_recent_pools_are_in_memory_of_their_model_and_not_too_many(open_store: Opener) -> None:
    store = open_store()
    pool = (Annotation(-1, 1, rectangle(0, 0, 5, 5), score=0.5),)
    store.pools.put("a.jpg", "m", pool)
    assert store.pools.recent("a.jpg", "m") is pool
    assert store.pools.recent("a.jpg", "other") is None
    store.close()
    store = open_store()
    assert store.pools.scores("a.jpg", "m") == ((0.5, 1),)
    assert store.pools.recent("a.jpg", "m") is None, "scores alone are not worth the memory"
    assert store.pools.get("a.jpg", "m") == pool
    assert store.pools.recent("a.jpg", "m") == pool
    for i in range(RECENT):
        store.pools.put(f"{i}.jpg", "m", ())
    assert store.pools.recent("a.jpg", "m") is None


def test_pools_come_back_while_the_photo_is_the_same(open_store: Opener, photos: Path) -> None:
    store = open_store()
    pool = (Annotation(-1, 1, rectangle(0, 0, 5, 5), score=0.5), Annotation(-2, 1, rectangle(1, 1, 3, 3), score=0.1))
    assert store.pools.get("a.jpg", "m") is None
    store.pools.put("a.jpg", "m", pool)
    store.pools.put("b.jpg", "m", ())
    assert store.pools.get("a.jpg", "m") == pool
    store.close()
    store = open_store()
    assert store.pools.get("a.jpg", "m") == pool
    assert store.pools.get("b.jpg", "m") == ()
    assert store.pools.get("a.jpg", "other") is None
    assert store.pools.names("m") == {"a.jpg", "b.jpg"}
    assert store.pools.scores("a.jpg", "m") == ((0.5, 1), (0.1, 1))
    os.utime(photos / "a.jpg", ns=(1, 1))
    assert store.pools.get("a.jpg", "m") is None
    assert store.pools.get("nowhere.jpg", "m") is None


def test_saving_elsewhere_goes_on_there(open_store: Opener, photos: Path, tmp_path: Path) -> None:
    store = open_store()
    store.put("a.jpg", PhotoState(SIZE, (box(store),), mark=Mark.DONE))
    store.save().result(10)
    other = tmp_path / "other.json"
    store.put("b.jpg", PhotoState(SIZE, (box(store),)))
    store.save_as(other).result(10)
    assert store.file == other
    store.put("sub/c.jpg", PhotoState(SIZE, (box(store),)))
    store.close()
    assert len(saved(other)["annotations"]) == 3
    assert len(saved(photos / "annotations.json")["annotations"]) == 1
    again = open_store(other)
    assert [again.count(name) for name in NAMES] == [1, 1, 1]
    assert again.is_done("a.jpg")
    again.close()
    again = open_store(photos / "annotations.json")
    assert [again.count(name) for name in NAMES] == [1, 0, 0]
    assert again.warnings == []


def test_another_programs_file_is_kept_beside_ours(open_store: Opener, file: Path) -> None:
    notices: list[SaveNotice] = []
    store = open_store(notify=notices.append)
    store.load("a.jpg")
    theirs = json.dumps({**FILE, "theirs": True})
    file.write_text(theirs)
    store.put("b.jpg", PhotoState(SIZE, (box(store),)))
    store.save().result(10)
    store.put("b.jpg", PhotoState(SIZE))
    store.save().result(10)
    (kept,) = file.parent.glob("annotations.*.json")
    assert kept.read_text() == theirs
    assert "theirs" not in saved(file)
    assert [n.state for n in notices] == [SaveState.NOTE, SaveState.SAVED, SaveState.SAVED]
    assert kept.name in notices[0].message


def test_a_file_that_was_only_touched_is_not_another(open_store: Opener, file: Path) -> None:
    store = open_store()
    os.utime(file, ns=(1, 1))
    store.put("b.jpg", PhotoState(SIZE, (box(store),)))
    store.save().result(10)
    os.utime(file, ns=(1, 1))
    store.put("b.jpg", PhotoState(SIZE))
    store.save().result(10)
    assert list(file.parent.glob("annotations.*.json")) == []


def test_the_first_file_of_a_session_is_backed_up(open_store: Opener, file: Path) -> None:
    before = file.read_bytes()
    for session in range(13):
        store = open_store()
        for name in ("a.jpg", "b.jpg"):
            store.put(name, PhotoState(SIZE, (box(store),)))
            store.save().result(10)
        store.close()
        backups = list((file.parent / ".annotator" / "backup").iterdir())
        assert len(backups) == min(session + 1, 10)
        if session == 0:
            assert backups[0].read_bytes() == before


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"images": 3}', '{"images": [], "annotations": {}}', '{"shapes": []}']
)
def test_a_file_that_is_not_coco_is_refused_and_untouched(open_store: Opener, photos: Path, content: str) -> None:
    (photos / "annotations.json").write_text(content)
    with pytest.raises(CocoError, match=r"annotations\.json"):
        open_store()
    assert (photos / "annotations.json").read_text() == content
    assert not (photos / ".annotator").exists()


def test_a_file_that_is_a_folder(open_store: Opener, photos: Path) -> None:
    (photos / "annotations.json").mkdir()
    with pytest.raises(CocoError, match="cannot be read"):
        open_store()


def test_a_damaged_annotation_locks_no_photo_and_stays(open_store: Opener, file: Path) -> None:
    data = json.loads(json.dumps(FILE))
    first = data["annotations"][0]
    bad = [{**first, "id": 90, "category_id": None}, {**first, "id": 91, "bbox": "no", "segmentation": [[1, 2, 3]]}, 7]
    data["annotations"] += bad
    file.write_text(json.dumps(data))
    store = open_store()
    state = store.load("a.jpg")
    assert not {a.id for a in state.annotations} & {90, 91}
    assert len(store.problems("a.jpg")) == 3
    assert any("is of no class" in sentence for sentence in store.problems("a.jpg"))
    store.put("a.jpg", PhotoState(SIZE))  # all that is shown is deleted
    store.save().result(10)
    kept = saved(file)["annotations"]
    assert [a for a in kept if a in bad] == bad
    assert first not in kept


def test_what_is_new_has_the_ids_of_the_file(open_store: Opener, file: Path) -> None:
    """Ids that are text stay text in all that refers to them, so that every program finds the records."""
    data = {
        "images": [{"id": "u-1", "file_name": "a.jpg", "width": 64, "height": 48}],
        "categories": [{"id": "cat", "name": "cat"}, {"id": "7", "name": "dog"}],
        "annotations": [{"id": "x", "image_id": "u-1", "category_id": "7", "bbox": [1, 2, 3, 4], "area": 12}],
    }
    file.write_text(json.dumps(data))
    store = open_store()
    (old,) = store.load("a.jpg").annotations
    cat, dog = store.categories
    assert (old.category_id, dog.name) == (dog.id, "dog")
    new = Annotation(store.new_id(), cat.id, rectangle(5, 5, 9, 9))
    store.put("a.jpg", PhotoState(SIZE, (replace(old, category_id=cat.id), new)))
    store.save().result(10)
    assert saved(file)["images"] == data["images"]
    assert saved(file)["categories"] == data["categories"]
    first, second = saved(file)["annotations"]
    assert first == {**data["annotations"][0], "category_id": "cat"}
    assert (second["image_id"], second["category_id"], second["area"]) == ("u-1", "cat", 16)
    store.close()
    again = open_store().load("a.jpg").annotations
    assert [(a.category_id, a.shape) for a in again] == [(cat.id, old.shape), (cat.id, new.shape)]


def test_work_on_a_photo_that_shares_its_id_is_its_own(open_store: Opener, file: Path) -> None:
    images = [{"id": 1, "file_name": name, "width": 64, "height": 48} for name in ("a.jpg", "b.jpg")]
    unclear = {"id": 4, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}
    body = {"images": images, "categories": [{"id": 1, "name": "cat"}], "annotations": [unclear]}
    file.write_text(json.dumps(body))
    store = open_store()
    assert any("several photos have" in warning for warning in store.warnings)
    assert store.load("a.jpg").annotations == store.load("b.jpg").annotations == ()
    store.put("b.jpg", PhotoState(SIZE, (Annotation(store.new_id(), 1, rectangle(5, 5, 9, 9)),)))
    store.save().result(10)
    store.close()
    assert saved(file)["images"][:2] == images
    assert saved(file)["annotations"][0] == unclear
    again = open_store()
    assert (again.count("a.jpg"), again.count("b.jpg")) == (0, 1)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="does not exist"):
        Store.open(tmp_path / "none", fallback=tmp_path / "fallback")
    assert not (tmp_path / "fallback").exists()


def test_a_project_is_open_once(open_store: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_folder, "LOCK_WAIT", 0.1)
    store = open_store()
    with pytest.raises(StoreError, match="open in another"):
        open_store()
    store.close()
    open_store()


def test_after_closing_nothing_is_saved(open_store: Opener) -> None:
    store = open_store()
    store.close()
    store.close()
    with pytest.raises(RuntimeError):
        store.save()


def test_progress_is_told(open_store: Opener) -> None:
    fractions: list[float] = []
    open_store(progress=fractions.append)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_sizes_that_no_photo_has(open_store: Opener) -> None:
    store = open_store()
    with pytest.raises(ValueError, match="0 x 5"):
        store.put("a.jpg", PhotoState((0, 5)))


def test_new_ids_are_above_all_in_file_and_journal(open_store: Opener, file: Path) -> None:
    store = open_store()
    assert [store.new_id(), store.new_id()] == [6, 7]
    store.put("a.jpg", PhotoState(SIZE, (Annotation(70, 1, rectangle(0, 0, 3, 3)),)))
    store.close()
    assert open_store().new_id() == 71


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.lists(annotations(), max_size=3), st.booleans(), st.booleans()),
        max_size=6,
    )
)
def test_any_work_comes_back(
    tmp_path_factory: pytest.TempPathFactory, work: list[tuple[str, list, bool, bool]]
) -> None:
    folder = tmp_path_factory.mktemp("photos")
    for name in NAMES:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    expected: dict[str, tuple[tuple[Annotation, ...], bool]] = dict.fromkeys(NAMES, ((), False))
    store = Store.open(folder, fallback=folder)
    store.categories.add("thing", keypoint_names=("a", "b", "c"))
    for name, records, done, reopen in work:
        mine = tuple(replace(record, id=store.new_id()) for record in records)
        store.put(name, PhotoState(SIZE, tuple(mine), mine[:1], mark=Mark(done)))
        expected[name] = (mine, done)
        if reopen:
            store.close()
            store = Store.open(folder, fallback=folder)
            assert store.warnings == []
        for photo, (records_there, done_there) in expected.items():
            record = store.load(photo)
            assert (record.annotations, record.done) == (records_there, done_there)
            assert store.count(photo) == len(records_there)
            assert store.is_done(photo) == done_there
    store.close()


def test_a_done_mark_and_what_was_unanswered_are_one_transaction(
    open_store: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autosave, "JOURNAL_AFTER", 60.0)
    store = open_store()
    offered = (Annotation(-1, 1, rectangle(0, 0, 5, 5), score=0.9, origin=Origin.SUGGESTED),)
    monkeypatch.setattr(SuggestionPools, "write_journal", lambda _pools: None)  # killed before what comes after

    def on_disk() -> tuple[list[tuple[str, int]], list[tuple[str, str]]]:
        with contextlib.closing(sqlite3.connect(store.private_folder / DATABASE)) as db:
            photos, pools = db.execute("SELECT name, done FROM photos"), db.execute("SELECT model, name FROM pools")
            return photos.fetchall(), pools.fetchall()

    def fail(_journal: Journal, _pools: object) -> None:
        raise sqlite3.ProgrammingError("between the two")

    store.put("a.jpg", PhotoState(SIZE, mark=Mark.DONE), offered)
    with monkeypatch.context() as failing:
        failing.setattr(Journal, "_insert_pools", fail)
        with pytest.raises(sqlite3.ProgrammingError):
            store._saver._write_journal()
    assert on_disk() == ([], [])
    assert not store.is_kept
    store._saver._write_journal()
    assert on_disk() == ([("a.jpg", 1)], [(UNANSWERED, "a.jpg")])
    store.close()
    assert open_store().pools.unanswered("a.jpg") == offered


def _photos(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"photo")


def test_a_photo_that_is_away_is_not_its_namesake_in_another_folder(open_store: Opener, photos: Path) -> None:
    _photos(photos, "cam1/0001.jpg", "cam2/0001.jpg")
    store = open_store()
    store.categories.add("car")
    mine, other = box(store), box(store, 30)
    store.put("cam1/0001.jpg", PhotoState(SIZE, (mine,), mark=Mark.DONE))
    store.close()
    (photos / "cam1").rename(photos.parent / "away")
    store = open_store()
    assert store.count("cam2/0001.jpg") == 0
    assert not store.is_done("cam2/0001.jpg")
    assert any("not in the folder; its annotations are kept" in warning for warning in store.warnings)
    store.put("cam2/0001.jpg", PhotoState(SIZE, (other,)))
    store.close()
    (photos.parent / "away").rename(photos / "cam1")
    again = open_store()
    assert again.load("cam1/0001.jpg").annotations == (mine,)
    assert again.load("cam2/0001.jpg").annotations == (other,)
    assert again.is_done("cam1/0001.jpg")
    assert again.warnings == []


def test_photos_follow_their_folder_to_its_new_name(open_store: Opener, photos: Path) -> None:
    odd = [os.fsdecode(b"a/\xe4.jpg"), os.fsdecode(b"b/\xe4.jpg")]
    _photos(photos, "cam1/0001.jpg", "cam2/0001.jpg", *(odd if sys.platform == "linux" else ()))
    store = open_store()
    store.categories.add("car")
    mine, other = box(store), box(store, 30)
    store.put("cam1/0001.jpg", PhotoState(SIZE, (mine,), mark=Mark.DONE))
    store.put("cam2/0001.jpg", PhotoState(SIZE, (other,)))
    store.close()
    (photos / "cam1").rename(photos / "left")
    again = open_store()
    assert again.load("left/0001.jpg").annotations == (mine,)
    assert again.load("cam2/0001.jpg").annotations == (other,)
    assert again.is_done("left/0001.jpg")


@pytest.mark.parametrize("name", ["A.JPG", "moved/a.jpg"])
def test_what_only_the_journal_has_follows_a_photo_to_its_new_name(open_store: Opener, photos: Path, name: str) -> None:
    store = open_store()
    store.categories.add("car")
    first, second = box(store), box(store, 30)
    store.put("a.jpg", PhotoState(SIZE, (first,), mark=Mark.DONE))
    store.save().result(10)
    file = photos / "annotations.json"
    file.chmod(0o444)  # from here on the journal alone has it
    store.put("a.jpg", PhotoState(SIZE, (first, second), mark=Mark.DONE))
    store.close()
    file.chmod(0o644)
    (photos / name).parent.mkdir(exist_ok=True)
    (photos / "a.jpg").rename(photos / name)
    for _ in range(2):
        again = open_store()
        assert again.load(name).annotations == (first, second)
        assert again.is_done(name)
        again.close()
    assert [len(saved(file)[key]) for key in ("images", "annotations")] == [1, 2]
