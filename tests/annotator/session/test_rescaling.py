"""Annotations of photos that were scaled: offered, done for all alike, taken back, and nothing else touched."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from annotator.core import edits
from annotator.core.annotation import Annotation
from annotator.session.image_cache import ImageCache
from annotator.session.record_changes import RecordChange, RecordChanges
from annotator.session.rescaling import Rescaled, Rescaler
from annotator.session.session import Session
from annotator.settings import Settings
from dataset import rle
from dataset.geometry import rectangle

SQUARE = {"segmentation": [[20, 20, 80, 20, 80, 70, 20, 70]], "bbox": [20, 20, 60, 50], "area": 3000, "iscrowd": 0}
HALF = {"segmentation": {"size": [60, 80], "counts": [0, 4800]}, "bbox": [0, 0, 160, 120], "area": 3000, "iscrowd": 1}
SIZES = {"a.png": (80, 60), "b.png": (80, 60), "c.png": (160, 120), "cropped.png": (80, 80)}


def contents(**records: dict[str, Any]) -> dict[str, Any]:
    images = [
        {"id": i, "file_name": name, "width": 160, "height": 120, "note": "kept"} for i, name in enumerate(SIZES, 1)
    ]
    annotations = [
        {"id": i, "image_id": i, "category_id": 1, "mine": i, **records.get(name.removesuffix(".png"), SQUARE)}
        for i, name in enumerate(SIZES, 1)
    ]
    return {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "cat"}]}


Start = Callable[[dict[str, Any]], Session]


@pytest.fixture
def start(qtbot: QtBot, tmp_path: Path) -> Iterator[Start]:
    running: list[Session] = []

    def run(body: dict[str, Any]) -> Session:
        for name, size in SIZES.items():
            Image.new("RGB", size).save(tmp_path / name)
        (tmp_path / "annotations.json").write_text(json.dumps(body))
        session = Session(Settings(QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat)), ImageCache())
        running.append(session)
        session.open(tmp_path)
        qtbot.waitUntil(lambda: session.document is not None)
        return session

    yield run
    for session in running:
        session.close()


def scale(qtbot: QtBot, session: Session) -> tuple[Rescaler, Rescaled]:
    """Scale all photos like the one that is shown."""
    rescaler = Rescaler(RecordChanges(session, session), session)
    store, document = session.store, session.document
    assert store
    assert document
    mismatch = store.size_mismatch(document.name, document.size)
    assert mismatch
    with qtbot.waitSignal(rescaler.done) as signal:
        rescaler.scale(mismatch, store.annotated)
    return rescaler, signal.args[0]  # type: ignore[index]


def written(session: Session) -> dict[str, Any]:
    assert session.store
    session.store.save().result()
    return json.loads(session.store.file.read_bytes())


def test_all_photos_that_were_reduced_are_scaled_and_come_back_byte_for_byte(qtbot: QtBot, start: Start) -> None:
    before = contents()
    session = start(before)
    assert session.document
    session.push(edits.add(session.document, [Annotation(session.new_id(), 1, rectangle(1, 2, 11, 22))]))
    assert written(session)["images"] == before["images"], "the old size is kept until it is decided"
    rescaler, rescaled = scale(qtbot, session)
    assert (rescaled.objects, sorted(rescaled.log)) == (2, ["a.png", "b.png"])
    after = written(session)
    assert [(i["width"], i["height"]) for i in after["images"]] == [(80, 60), (80, 60), (160, 120), (160, 120)]
    half = {"segmentation": [[10, 10, 40, 10, 40, 35, 10, 35]], "bbox": [10, 10, 30, 25], "area": 750}
    assert [after["annotations"][n] for n in (0, 1)] == [{**before["annotations"][n], **half} for n in (0, 1)]
    assert after["annotations"][2:4] == before["annotations"][2:]
    assert after["annotations"][4]["bbox"] == [1, 2, 10, 20], "what was drawn on the photo is of the photo"
    with qtbot.waitSignal(rescaler._changes.ended):
        rescaler.take_back(rescaled)
    again = written(session)
    assert again["images"] == before["images"]
    assert again["annotations"][:4] == before["annotations"]
    session.history.undo()
    assert written(session)["images"][0]["width"] == 80, "undo goes the same way step by step"
    session.history.undo()
    assert written(session)["images"][0]["width"] == 160


def test_what_was_drawn_before_it_is_decided_is_not_scaled_after_a_restart(qtbot: QtBot, start: Start) -> None:
    session = start(contents())
    assert session.document
    session.push(edits.add(session.document, [Annotation(session.new_id(), 1, rectangle(1, 2, 11, 22))]))
    body = written(session)
    assert body["annotations"][-1]["annotator"] == {"origin": "drawn", "size": [80, 60]}
    session.close()
    session = start(body)
    _, rescaled = scale(qtbot, session)
    assert rescaled.objects == 2
    after = written(session)
    assert [a["bbox"] for a in after["annotations"] if a["image_id"] == 1] == [[10, 10, 30, 25], [1, 2, 10, 20]]
    assert after["images"][0]["width"] == 80


def test_masks_of_another_size_are_scaled_alone(qtbot: QtBot, start: Start) -> None:
    session = start(contents(c=HALF, a=HALF, b=SQUARE))
    session.go_to("c.png")
    qtbot.waitUntil(lambda: session.document is not None and session.document.name == "c.png")
    assert session.document
    assert session.document.annotations[0].is_box, "a mask of another size is not drawn in a corner"
    _, rescaled = scale(qtbot, session)
    assert sorted(rescaled.log) == ["c.png"]
    record = written(session)["annotations"][2]
    assert record["segmentation"]["size"] == [120, 160]
    assert (rle.area(record["segmentation"]), record["area"], record["mine"]) == (160 * 120, 160 * 120, 3)


def test_an_object_that_was_put_right_by_hand_stays_where_it_is(qtbot: QtBot, start: Start) -> None:
    session = start(contents())
    document = session.document
    assert document
    moved = document.annotations[0].with_shape(rectangle(3, 4, 33, 34))
    session.push(edits.change(document, "move", [moved], session.new_id))
    assert written(session)["images"][0]["width"] == 80, "nothing on it is of the old size any more"
    assert session.store
    assert not session.store.scaled("a.png", (80, 60), {moved.id: moved}).records


def test_it_is_running_while_sizes_are_read_and_says_so_where_another_change_is_in_its_way(
    qtbot: QtBot, start: Start
) -> None:
    session = start(contents())
    store, document = session.store, session.document
    assert store
    assert document
    mismatch = store.size_mismatch(document.name, document.size)
    assert mismatch
    changes = RecordChanges(session, session)
    rescaler = Rescaler(changes, session)
    heard: list[str] = []
    session.message.connect(lambda text, *_: heard.append(text))
    disk = threading.Event()
    session.on_disk(lambda: disk.wait(30))
    rescaler.scale(mismatch, store.annotated)
    assert rescaler.is_running
    rescaler.scale(mismatch, store.annotated)
    assert len(heard) == 1
    assert "try again" in heard[0]
    photos = {name: store.load(name) for name in store.annotated}
    changes.start(RecordChange(photos, lambda *_: {}, lambda: None, lambda record: record, lambda _log: None))
    changes._slices.stop()  # for as long as the sizes are read
    disk.set()
    qtbot.waitUntil(lambda: len(heard) == 2)
    assert heard[1] == heard[0]
    changes.cancel()
    assert not rescaler.is_running
