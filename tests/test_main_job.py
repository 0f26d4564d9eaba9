"""The main job, driven through the real window with real mouse and key events, the real model and real photos."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QSlider
from pytestqt.qtbot import QtBot
from shapely import MultiPolygon

from annotator.app import Application
from annotator.core.annotation import Annotation, Origin
from annotator.core.document import Document, Status
from annotator.suggestions.messages import FolderProgress
from dataset.geometry import iou, to_parts
from resources import SAMPLES, WEIGHTS
from tests.qt import arguments, find

Start = Callable[[Path], Application]
LONG = 60_000  # milliseconds: the first answer waits for torch

pytestmark = pytest.mark.skipif(
    not (WEIGHTS / "builtin.safetensors").is_file(), reason="the builtin weights are not in this checkout"
)


@pytest.fixture
def start(qtbot: QtBot, run_application: Callable[..., Application]) -> Start:
    def run(folder: Path) -> Application:
        application = run_application()
        application.start(folder)
        application.window.resize(1280, 820)
        qtbot.waitUntil(lambda: application.session.document is not None, timeout=LONG)
        return application

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("astronaut", "group", "tourist"):
        shutil.copy(SAMPLES / f"{name}.jpg", photos)
    return photos


def _document(application: Application) -> Document:
    assert application.session.document
    return application.session.document


def _wait_for_suggestions(qtbot: QtBot, application: Application) -> Document:
    qtbot.waitUntil(lambda: application.session.document is not None and _document(application).has_pool, timeout=LONG)
    return _document(application)


def _name(application: Application, annotation: Annotation) -> str:
    return application.session.categories[annotation.category_id].name


def _place(application: Application, x: float, y: float) -> QPoint:
    """Where a point of the photo is in the viewport."""
    return application.window.canvas.mapFromScene(QPointF(x, y))


def _key(application: Application, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(application.window.canvas, key, modifier)


def _drag(application: Application, start: QPoint, end: QPoint) -> None:
    viewport = application.window.canvas.viewport()
    QTest.mouseMove(viewport, start)
    QTest.mousePress(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    for share in (0.3, 0.7, 1.0):
        step = start + (end - start) * share
        QTest.mouseMove(viewport, step)
    QTest.mouseRelease(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, end)


def _click(application: Application, place: QPoint) -> None:
    QTest.mouseMove(application.window.canvas.viewport(), place)
    QTest.mouseClick(
        application.window.canvas.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place
    )


def _painted(shape: MultiPolygon, width: int, height: int) -> np.ndarray:
    """The mask as a rasteriser that has nothing to do with ours sees it: cells that are more than half covered."""
    scale = 8
    mask = np.zeros((height, width), np.uint8)
    for part in to_parts(shape):
        fine = np.zeros((height * scale, width * scale), np.uint8)
        cv2.fillPoly(fine, [np.round(ring * scale).astype(np.int32) for ring in part], 255)
        mask |= (cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA) > 127).astype(np.uint8)
    return mask


def test_accept_correct_reject_undo_draw_save_and_reopen(qtbot: QtBot, start: Start, folder: Path) -> None:
    application = start(folder)
    window, session = application.window, application.session
    document = _wait_for_suggestions(qtbot, application)
    assert document.name == "astronaut.jpg"
    person = max(document.suggestions, key=lambda s: s.score or 0)
    assert _name(application, person) == "person"
    with qtbot.waitActive(window):
        window.activateWindow()
    window.canvas.setFocus()

    # Lower the threshold with the slider's keys: more suggestions, at once and without the model.
    before = len(document.suggestions)
    slider = find(window, QSlider, "model.threshold")
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_Home)
    assert document.threshold == pytest.approx(0.05)
    assert len(document.suggestions) > before
    window.canvas.setFocus()

    # Walk to the best one, accept it; the next is selected; reject that one.
    _key(application, Qt.Key.Key_Tab)
    assert document.selection == (document.suggestions[0].id,)
    _key(application, Qt.Key.Key_Return)
    assert [a.shape for a in document.annotations] == [person.shape]
    assert document.annotations[0].origin is Origin.SUGGESTED
    rejected = document.selected[0]
    _key(application, Qt.Key.Key_Delete)
    assert rejected.id not in [s.id for s in document.suggestions]
    assert len(document.annotations) == 1

    # Undo both, redo both.
    for _ in range(2):
        _key(application, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not document.annotations
    assert rejected.id in [s.id for s in document.suggestions]
    for _ in range(2):
        _key(application, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    accepted = document.annotations[0]

    # Show few suggestions again, so that a click finds what is on record. Select it, drag one of its vertices.
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_End)
    assert document.threshold == pytest.approx(0.95)
    window.canvas.setFocus()
    inside = accepted.shape.representative_point()
    _click(application, _place(application, inside.x, inside.y))
    assert document.selection == (accepted.id,)
    ring = to_parts(accepted.shape)[0][0]
    joints = np.array([(p.x, p.y) for p in accepted.keypoints if p.visibility])
    x, y = ring[np.linalg.norm(ring[:, None] - joints, axis=2).min(1).argmax()]  # a joint nearby would be dragged
    goal = _place(application, 0.8 * x + 0.2 * inside.x, 0.8 * y + 0.2 * inside.y)
    _drag(application, _place(application, x, y), goal)
    corrected = document.annotations[0]
    assert corrected.shape != accepted.shape
    assert corrected.origin is Origin.EDITED
    assert 0.7 < iou(corrected.shape, accepted.shape) < 1

    # Draw a polygon of a new class.
    cup = session.categories.add("helmet")
    _key(application, Qt.Key.Key_P)
    window.classes.chosen.emit(cup.id)
    for corner in ((20, 20), (120, 20), (120, 90)):
        _click(application, _place(application, *corner))
    _key(application, Qt.Key.Key_Return)
    drawn = document.annotations[-1]
    assert (_name(application, drawn), drawn.origin) == ("helmet", Origin.DRAWN)

    # Mark done, go on, come back, save.
    _key(application, Qt.Key.Key_M)
    assert document.done
    _key(application, Qt.Key.Key_D)
    qtbot.waitUntil(lambda: session.document is not None and session.document.name == "group.jpg")
    _key(application, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil((folder / "annotations.json").is_file)
    on_screen: dict[int, Annotation] = {a.id: a for a in document.annotations}
    names: dict[int, str] = {a.id: _name(application, a) for a in document.annotations}
    window.close()
    application.close()

    # What is on disk is COCO, and its masks are those that were on screen.
    coco = COCO(str(folder / "annotations.json"))
    assert set(coco.anns) == set(on_screen)
    width, height = document.size
    for annotation_id, annotation in on_screen.items():
        mask, painted = coco.annToMask(coco.anns[annotation_id]), _painted(annotation.shape, width, height)
        assert (mask & painted).sum() / (mask | painted).sum() > 0.985
        assert coco.loadCats(coco.anns[annotation_id]["category_id"])[0]["name"] == names[annotation_id]
    record = next(
        a for a in json.loads((folder / "annotations.json").read_text())["annotations"] if a["id"] == corrected.id
    )
    assert len(record["keypoints"]) == 51

    # Opened again, everything is as it was, the rejected one included.
    again = start(folder)
    assert again.session.current == "group.jpg"
    again.session.go(-1)
    document = _wait_for_suggestions(qtbot, again)
    assert document.name == "astronaut.jpg"
    assert document.done
    assert [a.id for a in document.annotations] == list(on_screen)
    for annotation in document.annotations:
        assert iou(annotation.shape, on_screen[annotation.id].shape) > 0.999
        assert annotation.origin is on_screen[annotation.id].origin
    document.threshold = 0.05
    assert all(
        iou(s.shape, rejected.shape) < 0.7 or s.category_id != rejected.category_id for s in document.suggestions
    )
    assert again.session.photos.status(0) is Status.DONE


def test_the_next_photos_suggestions_are_there_before_it_is_shown(qtbot: QtBot, start: Start, folder: Path) -> None:
    application = start(folder)
    _wait_for_suggestions(qtbot, application)
    qtbot.waitUntil(lambda: application.session.photos.suggestions(2) > 0, timeout=LONG)
    application.session.go(1)
    application.session.go(1)
    assert application.session.document is not None, "decoded ahead"
    assert _document(application).suggestions, "and looked at ahead"


def test_the_whole_folder_is_looked_at_on_request(qtbot: QtBot, start: Start, folder: Path) -> None:
    for i in range(4):
        shutil.copy(SAMPLES / "coffee.jpg", folder / f"x{i}.jpg")
    application = start(folder)
    _wait_for_suggestions(qtbot, application)
    heard: list[FolderProgress | None] = []
    application.suggester.progress.connect(heard.append)
    button = find(application.window, QPushButton, "model.suggest_all")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    photos = application.session.photos
    qtbot.waitUntil(lambda: bool(heard) and heard[-1] is None, timeout=LONG)
    assert heard[0]
    assert heard[0].total >= 3
    store, model = application.session.store, application.flow.model
    assert store
    assert model
    files = {name for name in photos.names if store.pools.get(name, model.id) is not None}
    assert files == set(photos.names)


def test_a_model_that_fails_leaves_the_window_working(qtbot: QtBot, start: Start, folder: Path, tmp_path: Path) -> None:
    application = start(folder)
    _wait_for_suggestions(qtbot, application)
    (tmp_path / "weights.safetensors").write_text("these are not weights")
    with qtbot.waitSignal(application.suggester.failed, timeout=LONG) as signal:
        application.choice.use(str(tmp_path / "weights.safetensors"))
    assert "weights.safetensors" in arguments(signal)[0]
    qtbot.waitUntil(lambda: "is used instead." in application.window.banner.text, timeout=LONG)
    assert "weights.safetensors" in application.window.banner.text
    application.session.go(1)
    assert _wait_for_suggestions(qtbot, application).suggestions, "the model before it stays in use"


def test_people_in_photos_it_has_never_seen_are_suggested(
    qtbot: QtBot, start: Start, shared_data: Path, tmp_path: Path
) -> None:
    coco = json.loads((shared_data / "coco_person" / "val.json").read_text())
    large = {a["image_id"] for a in coco["annotations"] if a["area"] > 150 * 150 and not a["iscrowd"]}
    photos = tmp_path / "photos"
    photos.mkdir()
    for image in [i for i in coco["images"] if i["id"] in large][:6]:
        shutil.copy(shared_data / "coco_person" / "images" / image["file_name"], photos)
    application = start(photos)
    found = 0
    for i in range(6):
        document = _wait_for_suggestions(qtbot, application)
        found += any(_name(application, s) == "person" and (s.score or 0) > 0.5 for s in document.suggestions)
        if i < 5:
            application.session.go(1)
    assert found >= 4
