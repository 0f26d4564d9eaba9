from __future__ import annotations

import json
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QFileDialog, QMenu, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

import dataset.formats
import main
from annotator.app import Application
from annotator.core import edits
from annotator.core.annotation import Annotation
from annotator.session.session import Session
from annotator.window import import_export
from annotator.window.commands import change_progress
from annotator.window.main_window import MainWindow
from dataset.geometry import from_parts, rectangle
from tests.qt import find

TOY = '''
"""One line per object: image, class, box."""

from pathlib import Path

from dataset.formats.base import ClassRecord, Dataset, Format, ImageRecord, ObjectRecord
from dataset.geometry import bounds, rectangle


def read(source, images, on_progress):
    rows = [line.split(",") for line in source.read_text().splitlines()]
    found = {}
    for name, label, *box in rows:
        found.setdefault(name, []).append(ObjectRecord(label, rectangle(*map(float, box)), is_box=True))
    records = tuple(ImageRecord(name, (0, 0), tuple(objects)) for name, objects in found.items())
    return Dataset(images, tuple(ClassRecord(label) for label in {row[1] for row in rows}), records)


def write(data, target):
    rows = [(i.name, o.class_name, *bounds(o.shape)) for i in data.images for o in i.objects]
    yield "", "".join(",".join(map(str, row)) + "\\n" for row in rows).encode()


FORMAT = Format("toy", "Toy lines", ".toy", read, write)
'''


PATIENT = """
import time

from dataset.formats.base import Format


def read(source, images, on_progress):
    for n in range(2000):
        on_progress(n, 2000)
        time.sleep(0.01)


def write(data, target):
    for n in range(2000):
        yield f"{n}.txt", b"%d" % len(list(data.images))
        time.sleep(0.01)


FORMAT = Format("patient", "Patience", "", read, write)
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A format as a newcomer adds it: one file among the formats, here in a second folder of the same package."""
    (tmp_path / "formats").mkdir()
    (tmp_path / "formats" / "toy.py").write_text(TOY)
    (tmp_path / "formats" / "patient.py").write_text(PATIENT)
    monkeypatch.setattr(dataset.formats, "__path__", [*dataset.formats.__path__, str(tmp_path / "formats")])
    yield
    for name in ("toy", "patient"):
        sys.modules.pop(f"dataset.formats.{name}", None)


@pytest.fixture
def session(qtbot: QtBot, run_application: Callable[..., Application], folder: Path) -> Session:
    application = run_application()
    application.window.show()
    application.session.open(folder)
    qtbot.waitUntil(lambda: application.session.document is not None)
    return application.session


def _window() -> MainWindow:
    return next(w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow) and w.isVisible())


def _choose(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    for name, answer in (("getExistingDirectory", str(path)), ("getOpenFileName", (str(path), "")),
                         ("getSaveFileName", (str(path), ""))):  # fmt: skip
        monkeypatch.setattr(QFileDialog, name, lambda *_, a=answer: a)


def _click(name: str, button: str, asked: list[str]) -> None:
    """Click a button of the question of that name as soon as it is there."""

    def look() -> None:
        box = QApplication.activeModalWidget()
        if not isinstance(box, QMessageBox) or box.objectName() != name:
            QTimer.singleShot(20, look)
            return
        asked.append(f"{box.text()} {box.informativeText()}")
        next(b for b in box.findChildren(QAbstractButton) if button in b.text()).click()

    look()


def _trigger(name: str) -> None:
    find(_window(), QAction, name).trigger()


def _draw(session: Session, shape: object = None) -> None:
    assert session.document
    category = session.categories.find("cup") or session.categories.add("cup")
    outline = shape or rectangle(10, 10, 60, 70)
    session.push(edits.add(session.document, [Annotation(session.new_id(), category.id, outline)]))  # type: ignore[arg-type]


def test_a_new_format_is_one_new_file(
    qtbot: QtBot,
    toy: None,
    session: Session,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for kind in ("import", "export"):
        actions = find(_window(), QMenu, f"file.{kind}").actions()
        texts = [a.text() for a in actions]
        assert {"COCO JSON…", "labelme JSON…", "Toy lines…"} <= set(texts)
        with pytest.raises(SystemExit):
            main.main([kind, "--help"])
        assert "toy: Toy lines" in " ".join(capsys.readouterr().out.split())

    (tmp_path / "in.toy").write_text("cat.jpg,cup,10,10,60,70\ndog.jpg,cup,1,2,3,4\ndog.jpg,spoon,5,5,9,9\n")
    _choose(monkeypatch, tmp_path / "in.toy")
    with qtbot.waitSignal(session.message, check_params_cb=lambda text, *_: "3 objects added in 2 photos" in text):
        _trigger("file.import.toy")
    assert session.document
    assert [a.shape.bounds for a in session.document.annotations] == [(10, 10, 60, 70)]
    assert session.photos.count(session.photos.index("dog.jpg")) == 2
    assert {c.name for c in session.categories} == {"cup", "spoon"}

    _choose(monkeypatch, tmp_path / "out.toy")
    asked: list[str] = []
    _click("export.question", "all 2", asked)
    with qtbot.waitSignal(session.message, check_params_cb=lambda text, *_: "3 objects of 2 photos" in text):
        _trigger("file.export.toy")
    assert "2 photos are not marked done." in asked[0]
    lines = (tmp_path / "out.toy").read_text()
    assert lines.startswith("cat.jpg,cup,10.0,10.0,60.0,70.0\ndog.jpg")

    session.history.undo()
    assert not session.document.annotations, "what was added to the photo that is shown can be undone"
    session.close()
    assert main.main(["export", "toy", str(folder), str(tmp_path / "command.toy"), "--all"]) == 0
    assert main.main(["import", "toy", str(tmp_path / "command.toy"), str(folder), "--add"]) == 0
    assert "2 objects added in 1 photo." in capsys.readouterr().out


def test_photos_with_annotations_are_asked_about(
    qtbot: QtBot, session: Session, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _draw(session)
    for photo in ("cat", "dog"):
        shape = {"label": "cup", "points": [[1, 1], [30, 1], [30, 30]], "shape_type": "polygon"}
        (folder / f"{photo}.json").write_text(json.dumps({"shapes": [shape], "imagePath": f"{photo}.jpg"}))
    _choose(monkeypatch, folder)
    asked: list[str] = []
    for button, counts in (("Cancel", [1, 0]), ("Only", [1, 1]), ("all", [2, 2])):
        before = len(asked)
        _click("import.question", button, asked)
        _trigger("file.import.labelme")
        qtbot.waitUntil(lambda b=before: len(asked) > b)
        qtbot.waitUntil(
            lambda c=counts: [session.photos.count(session.photos.index(f"{n}.jpg")) for n in ("cat", "dog")] == c
        )
    assert "1 photo has annotations already." in asked[0]
    assert len(asked) == 3


def test_photos_that_were_worked_on_get_fields_and_so_do_photos_without_objects(
    qtbot: QtBot, session: Session, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = session.document
    assert document
    assert document.name == "cat.jpg"
    _draw(session)
    session.go(1)
    qtbot.waitUntil(lambda: session.document is not None and session.document.name == "coffee.jpg")
    session.save()
    qtbot.waitUntil(lambda: session.store is not None and not session.store.unsaved)
    fields = {"tags": ["night"], "note": "", "license": 3}
    names = ("cat.jpg", "coffee.jpg", "dog.jpg")
    images = [{"id": i, "file_name": n, "width": 512, "height": 512, **fields} for i, n in enumerate(names)]
    box = {"id": 1, "image_id": 0, "category_id": 1, "bbox": [10, 10, 50, 50], "area": 2500, "segmentation": []}
    source, said = tmp_path / "source.json", []
    body = {"images": images, "annotations": [box], "categories": [{"id": 1, "name": "cup"}]}
    source.write_text(json.dumps(body))
    session.message.connect(lambda text, *_: said.append(text))
    _choose(monkeypatch, source)
    _click("import.question", "all", [])
    _trigger("file.import.coco")
    expected = "1 object added in 1 photo. 2 photos got tags, notes or other fields alone."
    qtbot.waitUntil(lambda: expected in said)
    assert session.store
    session.save()
    qtbot.waitUntil(lambda: session.store is not None and not session.store.unsaved)
    written = json.loads((folder / "annotations.json").read_text())["images"]
    assert {image["file_name"]: (image.get("tags"), image.get("license")) for image in written} == dict.fromkeys(
        names, (["night"], 3)
    )
    assert session.document
    assert session.document.notes.tags == ("night",), "it is on the screen"
    session.history.undo()
    assert session.document.notes.tags == ()

    source.write_text(json.dumps({**body, "images": images[2:], "annotations": []}))
    _trigger("file.import.coco")
    qtbot.waitUntil(lambda: said[-1].startswith("Nothing was imported: there are no objects"))


def test_what_is_lost_or_replaced_is_said_before(
    qtbot: QtBot, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = [(0, 0), (30, 0), (30, 30), (0, 30)]
    _draw(session, from_parts([[ring, [(5, 5), (9, 5), (9, 9)]]]))
    target = tmp_path / "labelme"
    target.mkdir()
    (target / "cat.json").write_text("mine")
    _choose(monkeypatch, target)
    asked: list[str] = []
    _click("export.question", "Export all", asked)
    QTimer.singleShot(0, lambda: _click("export.replace", "Cancel", asked))
    _trigger("file.export.labelme")
    qtbot.waitUntil(lambda: len(asked) == 2)
    assert "1 hole would be filled." in asked[0]
    assert "cat.json would be replaced" in asked[1]
    assert (target / "cat.json").read_text() == "mine"
    _click("export.question", "Export all", asked)
    QTimer.singleShot(0, lambda: _click("export.replace", "Replace", asked))
    with qtbot.waitSignal(session.message, check_params_cb=lambda text, *_: "1 object of 1 photo written" in text):
        _trigger("file.export.labelme")
    assert json.loads((target / "cat.json").read_text())["imageWidth"] > 0


def test_a_damaged_file_is_one_sentence(
    qtbot: QtBot, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.json").write_text("[" * 99)
    _choose(monkeypatch, tmp_path / "x.json")
    with qtbot.waitSignal(session.message, check_params_cb=lambda text, *_: "x.json is not a COCO file" in text):
        _trigger("file.import.coco")
    store = session.store
    assert store
    _draw(session)
    _choose(monkeypatch, store.file)
    with qtbot.waitSignal(session.message, check_params_cb=lambda text, *_: "project's own file" in text):
        _trigger("file.export.coco")


def test_an_import_ends_with_the_project(
    qtbot: QtBot, session: Session, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = {"label": "cup", "points": [[1, 1], [30, 1], [30, 30]], "shape_type": "polygon"}
    (folder / "dog.json").write_text(json.dumps({"shapes": [shape], "imagePath": "dog.jpg"}))
    other = tmp_path / "other"
    shutil.copytree(folder, other, ignore=shutil.ignore_patterns(".annotator"))
    _choose(monkeypatch, folder)
    _trigger("file.import.labelme")
    session.open(other)
    qtbot.waitUntil(lambda: session.folder == other and session.document is not None)
    assert [session.photos.count(i) for i in range(3)] == [0, 0, 0]
    _trigger("file.import.labelme")
    qtbot.waitUntil(lambda: session.photos.count(2) == 1)


def test_a_second_one_waits_for_the_first(
    qtbot: QtBot, toy: None, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a project of many photos, or on a slow disk."""
    _draw(session)
    assert session.document
    session.push(edits.mark_done(session.document, done=True))
    (tmp_path / "in.toy").write_text("dog.jpg,cup,1,2,3,4\n")
    (tmp_path / "other.toy").write_text("dog.jpg,cup,5,6,7,8\n")
    heard: list[str] = []
    session.message.connect(lambda text, *_: heard.append(text))
    disk = threading.Event()
    for kind, first, second in (("export", "one.toy", "two.toy"), ("import", "in.toy", "other.toy")):
        disk.clear()
        session.on_disk(lambda: disk.wait(30))
        for name in (first, second):
            _choose(monkeypatch, tmp_path / name)
            _trigger(f"file.{kind}.toy")
        assert f"being {kind}ed" in heard[-1]
        disk.set()
        qtbot.waitUntil(lambda: "1 object" in heard[-1])
    assert (tmp_path / "one.toy").exists()
    assert not (tmp_path / "two.toy").exists()
    assert session.photos.count(session.photos.index("dog.jpg")) == 1
    _choose(monkeypatch, tmp_path / "two.toy")
    asked: list[str] = []
    _click("export.question", "all 2", asked)
    _trigger("file.export.toy")
    qtbot.waitUntil((tmp_path / "two.toy").exists)


def test_keypoints_go_by_their_names(
    qtbot: QtBot, session: Session, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.categories.add("person", keypoint_names=("left eye", "nose"))
    outline = {"label": "person", "points": [[1, 1], [30, 1], [30, 30]], "shape_type": "polygon", "group_id": 1}
    points = [{"label": label, "points": [[at, at]], "shape_type": "point", "group_id": 1}
              for at, label in enumerate(("Nose", "tail"), 5)]  # fmt: skip
    (folder / "cat.json").write_text(json.dumps({"shapes": [outline, *points], "imagePath": "cat.jpg"}))
    _choose(monkeypatch, folder)
    asked: list[str] = []
    _click("import.question", "Add", asked)
    with qtbot.waitSignal(session.message, check_params_cb=lambda text, *_: "1 object added" in text):
        _trigger("file.import.labelme")
    assert "1 keypoint is left out: the project's class does not have it." in asked[0]
    assert session.document
    assert [tuple(k) for k in session.document.annotations[0].keypoints] == [(0, 0, 0), (5, 5, 2)]


def test_what_takes_long_shows_how_far_it_is_and_is_cancelled_without_a_trace(
    qtbot: QtBot, toy: None, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_progress, "SHOWN_AFTER", 0)
    _draw(session)
    target = tmp_path / "out"
    target.mkdir()
    _choose(monkeypatch, target)
    banner = _window().banner
    asked: list[str] = []
    _click("export.question", "Export all", asked)
    for kind, sentence in (("import", "no object was added"), ("export", "nothing was written")):
        _trigger(f"file.{kind}.patient")
        qtbot.waitUntil(lambda k=kind: f"being {k}ed" in banner.text and "%" in banner.text)
        button = next(b for b in banner.findChildren(QPushButton) if b.text() == "Cancel" and b.isVisible())
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda s=sentence: s in banner.text)
    idle: list[bool] = []
    session.on_disk(lambda: idle.append(True))
    qtbot.waitUntil(lambda: bool(idle))
    assert list(target.iterdir()) == []
    assert session.document
    assert len(session.document.annotations) == 1


def test_an_import_that_is_cancelled_while_its_objects_are_made_leaves_no_class(
    qtbot: QtBot, session: Session, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = {"label": "newcomer", "points": [[1, 1], [30, 1], [30, 30]], "shape_type": "polygon"}
    (folder / "dog.json").write_text(json.dumps({"shapes": [shape], "imagePath": "dog.jpg"}))
    monkeypatch.setattr(change_progress, "SHOWN_AFTER", 0)
    real = import_export.to_additions

    def patient(*arguments: Any) -> Any:
        real(*arguments[:-1])
        while True:  # until what tells how far it is says that nobody wants it any more
            arguments[-1](1, 2)
            time.sleep(0.005)

    monkeypatch.setattr(import_export, "to_additions", patient)
    _choose(monkeypatch, folder)
    banner, before = _window().banner, list(session.categories)
    _trigger("file.import.labelme")
    qtbot.waitUntil(lambda: "being imported" in banner.text and "50" in banner.text)
    button = next(b for b in banner.findChildren(QPushButton) if b.text() == "Cancel" and b.isVisible())
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "no object was added" in banner.text)
    assert list(session.categories) == before

    monkeypatch.setattr(import_export, "to_additions", real)
    _trigger("file.import.labelme")
    qtbot.waitUntil(lambda: session.photos.count(2) == 1)
    assert [c.name for c in session.categories] == [*(c.name for c in before), "newcomer"]
