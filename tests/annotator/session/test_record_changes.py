"""A change to the records of every photo: between events, all of it or nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from annotator.core.annotation import Annotation
from annotator.session.class_removal import Removed, put_back, remove_class
from annotator.session.image_cache import ImageCache
from annotator.session.record_changes import AT_ONCE, RecordChanges
from annotator.session.session import Session
from annotator.settings import Settings
from dataset.geometry import rectangle
from tests.qt import arguments

SQUARE = {"segmentation": [[5, 5, 45, 5, 45, 45, 5, 45]], "bbox": [5, 5, 40, 40], "area": 1600, "iscrowd": 0}
PHOTOS = 4 * AT_ONCE


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path, folder: Path) -> Iterator[Session]:
    """A cat in each of many photos, of which the first is there, and shown."""
    shutil.copy(folder / "cat.jpg", folder / "1.jpg")
    contents = {
        "images": [{"id": i, "file_name": f"{i}.jpg", "width": 60, "height": 60} for i in range(1, PHOTOS + 1)],
        "annotations": [{"id": i, "image_id": i, "category_id": 1, **SQUARE} for i in range(1, PHOTOS + 1)],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    }
    (folder / "annotations.json").write_text(json.dumps(contents))
    session = Session(Settings(QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat)), ImageCache())
    session.open(folder)
    qtbot.waitUntil(lambda: session.document is not None)
    yield session
    session.close()


@pytest.fixture
def changes(session: Session) -> RecordChanges:
    return RecordChanges(session, session)


def _merge(changes: RecordChanges) -> list[Removed]:
    """Begin to merge the cats into the dogs; what it returns has the removal once that is done."""
    store, done = changes.session.store, list[Removed]()
    assert store
    photos = {name: store.load(name) for name in store.annotated if store.count(name)}
    remove_class(changes, 1, 2, photos, done.append)
    return done


def _classes(session: Session) -> tuple[dict[int, int], set[int]]:
    """How many objects each class has, by the store's count, and the classes that objects have."""
    store = session.store
    assert store
    found = {a.category_id for name in store.annotated for a in store.load(name).annotations}
    return {c: n for c, n in store.class_counts.items() if n}, found


def test_nothing_is_done_before_all_is_and_then_it_is_one_thing(
    qtbot: QtBot, session: Session, changes: RecordChanges
) -> None:
    done = _merge(changes)
    assert _classes(session) == ({1: PHOTOS}, {1})
    assert 1 in session.categories
    qtbot.waitUntil(lambda: bool(done))
    assert _classes(session) == ({2: PHOTOS}, {2})
    assert 1 not in session.categories
    assert done[0].objects == PHOTOS
    back: list[None] = []
    put_back(changes, done[0], lambda: back.append(None), pytest.fail)
    qtbot.waitUntil(lambda: bool(back))
    assert _classes(session) == ({1: PHOTOS}, {1})


def test_there_is_no_second_one_at_the_same_time_and_that_is_said(
    qtbot: QtBot, session: Session, changes: RecordChanges
) -> None:
    heard: list[str] = []
    session.message.connect(lambda text, *_: heard.append(text))
    done, second = _merge(changes), _merge(changes)
    assert heard == ["The objects of every photo are being changed: try again when that is done."]
    qtbot.waitUntil(lambda: bool(done))
    assert second == []
    assert _classes(session) == ({2: PHOTOS}, {2})


def test_cancelled_on_the_way_it_has_done_nothing(qtbot: QtBot, session: Session, changes: RecordChanges) -> None:
    changes.progressed.connect(lambda _share: changes.cancel())
    with qtbot.waitSignal(changes.ended):
        done = _merge(changes)
    qtbot.wait(20)
    assert not done
    assert not changes.is_running
    assert _classes(session) == ({1: PHOTOS}, {1})
    assert session.store
    assert not session.store.unsaved


def test_the_folder_is_left_on_the_way(qtbot: QtBot, session: Session, changes: RecordChanges, folder: Path) -> None:
    before = (folder / "annotations.json").read_bytes()
    changes.progressed.connect(lambda _share: session._leave())
    done = _merge(changes)
    qtbot.waitUntil(lambda: session.folder is None)
    qtbot.wait(20)
    assert not done
    session.close()
    assert (folder / "annotations.json").read_bytes() == before


@pytest.mark.parametrize("late", [3, 2 * AT_ONCE])
def test_what_others_put_on_record_meanwhile_is_changed_too(
    qtbot: QtBot, session: Session, changes: RecordChanges, late: int
) -> None:
    store = session.store
    assert store

    def put(_share: float) -> None:
        changes.progressed.disconnect(put)
        for name in store.annotated[-late:]:
            store.put(name, replace(store.load(name), size=(60, 60), annotations=()))

    changes.progressed.connect(put)
    done = _merge(changes)
    qtbot.waitUntil(lambda: bool(done))
    assert _classes(session) == ({2: PHOTOS - late}, {2})
    assert done[0].objects == PHOTOS - late


def test_classes_that_were_changed_meanwhile_stop_it(qtbot: QtBot, session: Session, changes: RecordChanges) -> None:
    with qtbot.waitSignal(changes.ended) as ended:
        done = _merge(changes)
        session.categories.rename(2, "hound")
    assert "meanwhile" in arguments(ended)[0]
    assert not done
    assert _classes(session) == ({1: PHOTOS}, {1})


def test_the_photo_shown_is_changed_too_where_another_is_shown_meanwhile(
    qtbot: QtBot, session: Session, changes: RecordChanges
) -> None:
    gone_on = []

    def go_on(_share: float) -> None:
        changes.progressed.disconnect(go_on)
        gone_on.append(session.current)
        session.go(1)

    changes.progressed.connect(go_on)
    done = _merge(changes)
    qtbot.waitUntil(lambda: bool(done))
    assert gone_on == ["1.jpg"] != [session.current]
    assert done[0].objects == PHOTOS
    assert _classes(session) == ({2: PHOTOS}, {2})


@pytest.mark.parametrize("moment", ["before", "meanwhile"])
def test_what_was_imported_since_the_objects_were_counted_is_changed_too(
    qtbot: QtBot, session: Session, changes: RecordChanges, moment: str
) -> None:
    store = session.store
    assert store
    bare = "new.jpg"
    counted = {name: store.load(name) for name in store.annotated}

    def come(_share: float = 0) -> None:
        cats = {name: [Annotation(store.new_id(), 1, rectangle(1, 1, 9, 9))] for name in ("5.jpg", bare)}
        dog = Annotation(store.new_id(), 2, rectangle(20, 20, 30, 30))
        records = {"5.jpg": [*cats["5.jpg"], dog], bare: cats[bare]}
        store.add({name: store.addition(name, (60, 60), added) for name, added in records.items()})
        if moment == "meanwhile":
            changes.progressed.disconnect(come)

    if moment == "before":
        come()
    else:
        changes.progressed.connect(come)
    done: list[Removed] = []
    remove_class(changes, 1, None, counted, done.append)
    qtbot.waitUntil(lambda: bool(done))
    assert _classes(session) == ({2: 1}, {2})
    assert [a.category_id for a in store.load("5.jpg").annotations] == [2]
    assert store.load(bare).annotations == ()
