from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from annotator.core import edits
from annotator.core.annotation import Annotation
from annotator.core.document import Status
from annotator.core.photo_state import Mark
from annotator.session.image_cache import ImageCache
from annotator.session.session import Session
from annotator.settings import Settings
from dataset.geometry import rectangle
from resources import SAMPLES

Start = Callable[[], Session]


@pytest.fixture
def start(qtbot: QtBot, tmp_path: Path) -> Iterator[Start]:
    sessions = []

    def make() -> Session:
        settings = Settings(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
        sessions.append(Session(settings, ImageCache()))
        return sessions[-1]

    yield make
    for session in sessions:
        session.close()


def _open(qtbot: QtBot, session: Session, folder: Path, file: Path | None = None) -> None:
    session.open(folder, file)
    qtbot.waitUntil(lambda: session.document is not None)


def _messages(session: Session) -> list[tuple[str, str]]:
    heard: list[tuple[str, str]] = []
    session.message.connect(lambda text, kind, _topic: heard.append((text, kind)))
    session.refused.connect(lambda text: heard.append((text, "error")))
    return heard


def _box(session: Session, x: float = 10) -> Annotation:
    if not len(session.categories):
        session.categories.add("thing")
    return Annotation(session.new_id(), next(iter(session.categories)).id, rectangle(x, 10, x + 50, 60))


def test_an_edit_is_there_when_the_folder_is_opened_again(qtbot: QtBot, folder: Path, start: Start) -> None:
    session = start()
    _open(qtbot, session, folder)
    assert session.current == "cat.jpg"
    assert session.document
    session.push(edits.add(session.document, [_box(session)]))
    session.push(edits.mark_done(session.document, done=True))
    session.go(1)
    qtbot.waitUntil(lambda: session.document is not None and session.document.name == "coffee.jpg")
    session.close()
    coco = json.loads((folder / "annotations.json").read_text())
    assert [a["bbox"] for a in coco["annotations"]] == [[10, 10, 50, 50]]

    again = start()
    _open(qtbot, again, folder)
    assert again.current == "coffee.jpg", "the last photo is remembered"
    assert [again.photos.status(i) for i in range(3)] == [Status.DONE, Status.NEW, Status.NEW]
    assert again.photos.count(0) == 1
    again.go(-1)
    qtbot.waitUntil(lambda: again.document is not None)
    assert again.document
    assert again.document.done
    assert again.document.annotations[0].shape == rectangle(10, 10, 60, 60)
    assert [c.name for c in again.categories] == ["thing"]


def test_history_survives_a_look_at_another_photo(qtbot: QtBot, folder: Path, start: Start) -> None:
    session = start()
    _open(qtbot, session, folder)
    first = session.document
    assert first
    session.push(edits.add(first, [_box(session)]))
    session.go(1)
    qtbot.waitUntil(lambda: session.document is not None)
    assert not session.history.canUndo()
    session.go(-1)
    qtbot.waitUntil(lambda: session.document is first)
    session.history.undo()
    assert not first.annotations
    assert session.photos.status(0) is Status.NEW


def test_opening_another_folder_lets_go_of_the_first(qtbot: QtBot, folder: Path, start: Start, tmp_path: Path) -> None:
    session = start()
    _open(qtbot, session, folder)
    assert session.document
    session.push(edits.add(session.document, [_box(session)]))
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(SAMPLES / "otters.jpg", other)
    session.open(other)
    qtbot.waitUntil(lambda: session.document is not None and session.document.name == "otters.jpg")
    assert not len(session.categories)
    assert not session.history.canUndo()
    qtbot.waitUntil((folder / "annotations.json").exists)
    assert [c["name"] for c in json.loads((folder / "annotations.json").read_text())["categories"]] == ["thing"]
    assert not (other / "annotations.json").exists(), "looking at a folder leaves nothing beside the photos"


def test_what_is_not_json_is_refused_and_left_as_it_was(qtbot: QtBot, folder: Path, start: Start) -> None:
    (folder / "annotations.json").write_text('{"images": [')
    session = start()
    heard = _messages(session)
    session.open(folder)
    qtbot.waitUntil(lambda: any(kind == "error" for _, kind in heard))
    assert "annotations.json" in heard[0][0]
    assert len(session.photos) == 3, "the photos can still be looked at"
    assert session.document is None
    session.push(edits.Edit("nothing", {}, ((), ()), (Mark.NONE, Mark.DONE), ((), ())))
    session.close()
    assert (folder / "annotations.json").read_text() == '{"images": ['


@pytest.mark.parametrize("kind", ["missing", "file", "empty"])
def test_a_folder_that_cannot_be_used_is_one_sentence(
    qtbot: QtBot, folder: Path, start: Start, tmp_path: Path, kind: str
) -> None:
    bad = {"missing": tmp_path / "nowhere", "file": folder / "cat.jpg", "empty": tmp_path / "empty"}[kind]
    if kind == "empty":
        bad.mkdir()
    session = start()
    heard = _messages(session)
    session.open(bad)
    qtbot.waitUntil(lambda: bool(heard))
    assert bad.name in heard[0][0]
    assert heard[0][0].count("\n") == 0


def test_a_folder_that_cannot_be_used_leaves_the_open_one_open(
    qtbot: QtBot, folder: Path, start: Start, tmp_path: Path
) -> None:
    session = start()
    heard = _messages(session)
    _open(qtbot, session, folder)
    session.open(tmp_path / "nowhere")
    qtbot.waitUntil(lambda: bool(heard))
    assert session.document
    session.push(edits.add(session.document, [_box(session)]))
    kept: list[bool] = []
    session.saved_changed.connect(kept.append)
    session.save()
    qtbot.waitUntil(lambda: kept[-1:] == [True])
    assert session.folder == folder


def test_looking_into_an_empty_folder_leaves_nothing_in_it(qtbot: QtBot, start: Start, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    session = start()
    with qtbot.waitSignal(session.opened):
        session.open(empty)
    session.close()
    assert not list(empty.iterdir())


def test_an_unreadable_photo_is_listed_with_its_reason_and_the_others_work(
    qtbot: QtBot, folder: Path, start: Start
) -> None:
    (folder / "broken.jpg").write_bytes(b"")
    whole = (folder / "dog.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    session = start()
    heard = _messages(session)
    session.open(folder)
    qtbot.waitUntil(lambda: session.document is not None)
    assert session.current == "cat.jpg", "broken.jpg is passed over"
    for name in ("broken.jpg", "cut.jpg"):
        session.go_to(name)
        index = session.photos.index(name)
        qtbot.waitUntil(lambda i=index: session.photos.status(i) is Status.UNREADABLE)
        assert session.photos.error(index)
        assert session.document is None
    assert any("broken.jpg" in text for text, _ in heard)
    assert session.current == "cut.jpg", "one that was asked for stays"
    session.go(-1)
    qtbot.waitUntil(lambda: session.current == "coffee.jpg")
    session.go(1)
    qtbot.waitUntil(lambda: session.document is not None and session.current == "dog.jpg")


def test_an_odd_record_is_pointed_out_and_locks_nothing(qtbot: QtBot, folder: Path, start: Start) -> None:
    good = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 30, 40]}
    odd = {**good, "id": 2, "segmentation": [[1, 2, 3, 4, 5, 6, 7]]}
    lost = {**good, "id": 3, "category_id": None}
    coco = {
        "images": [{"id": 1, "file_name": "cat.jpg"}],
        "annotations": [good, odd, lost],
        "categories": [{"id": 1, "name": "cat"}],
    }
    (folder / "annotations.json").write_text(json.dumps(coco))
    session = start()
    heard = _messages(session)
    _open(qtbot, session, folder)
    assert any("rings that are no polygons" in text and "kept as it stands" in text for text, _ in heard)
    assert any("is of no class" in text for text, _ in heard)
    document = session.document
    assert document
    assert [a.id for a in document.annotations] == [1, 2]
    session.push(edits.add(document, [_box(session)]))
    session.save()
    qtbot.waitUntil(lambda: len(json.loads((folder / "annotations.json").read_text())["annotations"]) == 4)
    assert json.loads((folder / "annotations.json").read_text())["annotations"][:3] == [good, odd, lost]


def test_another_coco_file_for_a_folder_and_save_as(qtbot: QtBot, folder: Path, start: Start, tmp_path: Path) -> None:
    session = start()
    _open(qtbot, session, folder, tmp_path / "mine.json")
    assert session.document
    session.push(edits.add(session.document, [_box(session)]))
    session.save()
    qtbot.waitUntil((tmp_path / "mine.json").exists)
    session.save_as(tmp_path / "copy.json")
    qtbot.waitUntil((tmp_path / "copy.json").exists)
    document = session.document
    moved = replace(document.annotations[0], shape=rectangle(0, 0, 5, 5))
    session.push(edits.change(document, "move", [moved], session.new_id))
    session.close()
    boxes = {f: json.loads((tmp_path / f).read_text())["annotations"][0]["bbox"] for f in ("mine.json", "copy.json")}
    assert boxes == {"mine.json": [10, 10, 50, 50], "copy.json": [0, 0, 5, 5]}
    assert not (folder / "annotations.json").exists()
