"""A class gets other keypoints: records of every photo, undo, the file, and what a crash leaves."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

import main
from annotator.core import edits
from annotator.core.annotation import UNLABELLED, Annotation, Keypoint, Visibility
from annotator.core.document import Document
from annotator.core.photo_state import PhotoState
from annotator.core.skeleton import Skeleton, SkeletonChange
from annotator.core.store import autosave
from annotator.core.store.journal import Journal
from annotator.core.store.saver import Saver
from annotator.core.store.store import Store
from annotator.session.image_cache import ImageCache
from annotator.session.record_changes import RecordChanges
from annotator.session.session import Session
from annotator.session.skeletons import KeypointCounter, KeypointUse, change_skeleton
from annotator.settings import Settings
from dataset.geometry import rectangle
from tests.qt import arguments

NAMES = ["nose", "left_ear", "right_ear"]
POINTS = [10.0, 11.0, 2, 20.0, 21.0, 1, 0, 0, 0]
NOSE, EAR = Keypoint(10.0, 11.0, Visibility.VISIBLE), Keypoint(20.0, 21.0, Visibility.OCCLUDED)


def _record(number: int, image: int, category: int = 1, **fields: Any) -> dict[str, Any]:
    box = {"segmentation": [[5, 5, 45, 5, 45, 45, 5, 45]], "bbox": [5, 5, 40, 40], "area": 1600, "iscrowd": 0}
    return {"id": number, "image_id": image, "category_id": category, **box, **fields}


@pytest.fixture
def folder(folder: Path) -> Path:
    """Photos of pets, one of them gone, and one without its size in the file."""
    pet = {"keypoints": POINTS, "num_keypoints": 2, "odd": "kept"}
    contents = {
        "images": [
            {"id": 1, "file_name": "cat.jpg", "width": 451, "height": 300},
            {"id": 2, "file_name": "dog.jpg"},
            {"id": 3, "file_name": "gone.jpg", "width": 60, "height": 60},
        ],
        "annotations": [
            _record(1, 1, **pet), _record(2, 2, **pet), _record(3, 3, **pet), _record(4, 1), _record(5, 2, 2),
        ],
        "categories": [
            {"id": 1, "name": "pet", "keypoints": NAMES, "skeleton": [[1, 2], [1, 3]], "flip": [[2, 3]]},
            {"id": 2, "name": "cup"},
        ],
    }  # fmt: skip
    (folder / "annotations.json").write_text(json.dumps(contents))
    return folder


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path, folder: Path) -> Iterator[Session]:
    session = Session(Settings(QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat)), ImageCache())
    session.open(folder)
    qtbot.waitUntil(lambda: session.document is not None)
    assert _document(session).name == "cat.jpg"
    yield session
    session.close()


def _document(session: Session) -> Document:
    assert session.document
    return session.document


def _store(session: Session) -> Store:
    assert session.store
    return session.store


def _count(qtbot: QtBot, session: Session) -> KeypointUse:
    counter = KeypointCounter(session)
    with qtbot.waitSignal(counter.done) as signal:
        counter.start(_store(session), 1)
    return arguments(signal)[0]


def _change(qtbot: QtBot, session: Session, change: SkeletonChange, photos: Mapping[str, PhotoState]) -> None:
    done: list[None] = []
    change_skeleton(RecordChanges(session, session), change, photos, lambda: done.append(None))
    qtbot.waitUntil(lambda: bool(done))


def _start(session: Session) -> Skeleton:
    return Skeleton.of(session.categories[1])


def _changed(qtbot: QtBot, session: Session, after: Skeleton) -> SkeletonChange:
    change = SkeletonChange(1, _start(session), after)
    _change(qtbot, session, change, _count(qtbot, session).photos)
    return change


def _file(qtbot: QtBot, session: Session, folder: Path) -> dict[str, Any]:
    _store(session).save()
    qtbot.waitUntil(lambda: not _store(session).unsaved)
    return json.loads((folder / "annotations.json").read_text())


def test_what_is_touched_is_counted(qtbot: QtBot, session: Session) -> None:
    use = _count(qtbot, session)
    assert use.objects == 3
    assert use.labelled == {0: 3, 1: 3}
    assert use.photos.keys() == {"cat.jpg", "dog.jpg", "gone.jpg"}
    assert all(min(state.size) > 50 for state in use.photos.values()), "that of the dog is read from its photo"


def test_points_of_every_photo_follow_and_the_file_has_them(qtbot: QtBot, session: Session, folder: Path) -> None:
    after = _start(session).moved(1, 0).removed(2).added("tail").toggled(1, 2)
    _changed(qtbot, session, after)
    assert _document(session)[1].keypoints == (EAR, NOSE, UNLABELLED)
    assert _document(session)[4].keypoints == ()
    contents = _file(qtbot, session, folder)
    by_id = {record["id"]: record for record in contents["annotations"]}
    for number in (1, 2, 3):
        assert by_id[number]["keypoints"] == [20, 21, 1, 10, 11, 2, 0, 0, 0]
        assert by_id[number]["num_keypoints"] == 2
        assert by_id[number]["segmentation"] == [[5, 5, 45, 5, 45, 45, 5, 45]]
        assert by_id[number]["odd"] == "kept"
    assert by_id[5] == _record(5, 2, 2)
    assert contents["categories"][0] == {
        "id": 1, "name": "pet", "keypoints": ["left_ear", "nose", "tail"], "skeleton": [[2, 1], [2, 3]],
        "flip": [[2, 3]],
    }  # fmt: skip
    assert contents["images"][2]["width"] == 60


def test_a_removed_point_is_dropped_and_comes_back_with_the_inverse(
    qtbot: QtBot, session: Session, folder: Path
) -> None:
    change = _changed(qtbot, session, _start(session).removed(0))
    assert _document(session)[1].keypoints == (EAR, UNLABELLED)
    record = _document(session)[1]
    moved = record.with_keypoints((EAR._replace(x=22.0), UNLABELLED))
    session.push(edits.change(_document(session), "move", (moved,), session.new_id))
    _change(qtbot, session, change.inverse(), _count(qtbot, session).photos)
    assert session.categories[1].keypoint_names == tuple(NAMES)
    assert _document(session)[1].keypoints == (UNLABELLED, EAR._replace(x=22.0), UNLABELLED), "what was edited stays"
    session.history.undo()
    assert _document(session)[1].keypoints == (NOSE, EAR, UNLABELLED)
    by_id = {record["id"]: record for record in _file(qtbot, session, folder)["annotations"]}
    assert by_id[2]["keypoints"] == POINTS


def test_undo_and_redo_of_earlier_edits_have_the_new_order(qtbot: QtBot, session: Session) -> None:
    document = _document(session)
    before = document[1]
    placed = before.with_keypoints((NOSE, EAR, Keypoint(30.0, 31.0, Visibility.VISIBLE)))
    session.push(edits.change(document, "place", (placed,), session.new_id))
    session.push(edits.delete(document, (1,)))
    session.history.undo()
    _changed(qtbot, session, _start(session).moved(2, 0))
    assert document[1].keypoints == (placed.keypoints[2], NOSE, EAR)
    session.history.undo()
    assert document[1].keypoints == (UNLABELLED, NOSE, EAR)
    session.history.redo()
    session.history.redo()
    assert 1 not in document
    session.history.undo()
    assert document[1].keypoints == (placed.keypoints[2], NOSE, EAR)


def test_a_photo_that_was_edited_and_left_follows_too(qtbot: QtBot, session: Session) -> None:
    cat = _document(session)
    new = Annotation(session.new_id(), 1, rectangle(1, 1, 9, 9), (EAR, NOSE, UNLABELLED))
    session.push(edits.add(cat, (new,)))
    session.go_to("dog.jpg")
    qtbot.waitUntil(lambda: session.document is not None and session.document.name == "dog.jpg")
    _changed(qtbot, session, _start(session).moved(1, 0))
    assert _document(session)[2].keypoints == (EAR, NOSE, UNLABELLED)
    assert cat[new.id].keypoints == (NOSE, EAR, UNLABELLED)
    assert _store(session).load("cat.jpg").annotations == cat.annotations


def test_names_and_edges_alone_touch_no_record(qtbot: QtBot, session: Session, folder: Path) -> None:
    before = _document(session)[1]
    _changed(qtbot, session, _start(session).renamed(0, "snout").toggled(1, 2))
    assert _document(session)[1] is before
    contents = _file(qtbot, session, folder)
    assert contents["categories"][0]["keypoints"] == ["snout", *NAMES[1:]]
    assert contents["annotations"][0] == _record(1, 1, keypoints=POINTS, num_keypoints=2, odd="kept")


def test_without_any_keypoint_left_the_fields_go_and_all_of_it_comes_back(
    qtbot: QtBot, session: Session, folder: Path
) -> None:
    change = _changed(qtbot, session, _start(session).removed(0).removed(0).removed(0))
    contents = _file(qtbot, session, folder)
    assert "keypoints" not in contents["categories"][0]
    assert "keypoints" not in contents["annotations"][0]
    _change(qtbot, session, change.inverse(), _all(session))
    contents = _file(qtbot, session, folder)
    assert contents["annotations"][1]["keypoints"] == POINTS
    assert contents["categories"][0]["skeleton"] == [[1, 2], [1, 3]]


def _all(session: Session) -> dict[str, PhotoState]:
    """The photos that had keypoints before: none has any by now."""
    return {name: _store(session).load(name) for name in ("cat.jpg", "dog.jpg", "gone.jpg")}


def test_the_journal_gets_all_of_it_at_once(
    qtbot: QtBot, session: Session, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autosave, "JOURNAL_AFTER", 0.0)  # it would take each photo by itself
    written: list[tuple[bool, set[str]]] = []
    put, put_photo = Journal.put, Saver.put

    def record(self: Journal, file: str, rows: Any, facts: Any, *args: Any, **options: Any) -> dict[str, Exception]:
        written.append(("categories" in facts, set(rows)))
        return put(self, file, rows, facts, *args, **options)

    def slowly(self: Saver, *args: Any, **options: Any) -> None:
        time.sleep(0.02)
        put_photo(self, *args, **options)

    monkeypatch.setattr(Journal, "put", record)
    monkeypatch.setattr(Saver, "put", slowly)
    after = _changed(qtbot, session, _start(session).moved(2, 0)).after
    qtbot.waitUntil(lambda: session.is_kept)
    assert written[0] == (True, {"cat.jpg", "dog.jpg", "gone.jpg"})
    copy = tmp_path / "copy"  # what a crash leaves
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("*lock*"))
    again = Store.open(copy, fallback=tmp_path / "fallback")
    try:
        assert again.categories[1].keypoint_names == after.names
        for name in ("cat.jpg", "dog.jpg", "gone.jpg"):
            assert again.load(name).annotations[0].keypoints == (UNLABELLED, NOSE, EAR)
    finally:
        again.close()


def test_an_edited_skeleton_goes_out_as_coco_and_comes_in_again(
    qtbot: QtBot, session: Session, folder: Path, tmp_path: Path
) -> None:
    _changed(qtbot, session, _start(session).moved(1, 0).added("tail").toggled(0, 3))
    _file(qtbot, session, folder)
    session.close()
    target, copy = tmp_path / "out.json", tmp_path / "copy"
    assert main.main(["export", "coco", str(folder), str(target), "--all"]) == 0
    copy.mkdir()
    for name in ("cat.jpg", "dog.jpg"):
        shutil.copy(folder / name, copy)
    assert main.main(["import", "coco", str(target), str(copy)]) == 0
    contents = json.loads((copy / "annotations.json").read_text())
    pet = next(category for category in contents["categories"] if category["name"] == "pet")
    assert pet["keypoints"] == ["left_ear", "nose", "right_ear", "tail"]
    assert pet["skeleton"] == [[2, 1], [2, 3], [1, 4]]
    points = [record["keypoints"] for record in contents["annotations"] if record.get("num_keypoints")]
    assert points == [[20, 21, 1, 10, 11, 2, 0, 0, 0, 0, 0, 0]] * 2
