from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot

from annotator.app import Application
from annotator.panels.banner import SETTLING_MS
from annotator.window.commands.import_offer import OFFER


def _coco(path: Path, photo: str) -> None:
    path.parent.mkdir(exist_ok=True)
    body = {
        "images": [{"id": 1, "file_name": photo}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 9, 9]}],
        "categories": [{"id": 1, "name": "goblet"}],
    }
    path.write_text(json.dumps(body))


@pytest.fixture
def application(run_application: Callable[..., Application]) -> Application:
    application = run_application()
    application.window.show()
    return application


def _open(qtbot: QtBot, application: Application, folder: Path) -> None:
    application.session.open(folder)
    qtbot.waitUntil(lambda: application.session.document is not None and application.session.folder == folder)


def _looked(qtbot: QtBot, application: Application) -> None:
    """Wait until what was given to the disk's thread before is done, and its answer is here."""
    answers: list[int] = []
    application.session.on_disk(lambda: answers.append(1))
    qtbot.waitUntil(lambda: bool(answers))
    qtbot.wait(0)


def _click(qtbot: QtBot, application: Application, text: str) -> None:
    banner = application.window.banner
    qtbot.waitUntil(lambda: banner.has(OFFER) and any(b.text() == text for b in banner.findChildren(QAbstractButton)))
    button = next(b for b in banner.findChildren(QAbstractButton) if b.text() == text)
    qtbot.waitUntil(lambda: banner._shown_for.elapsed() > SETTLING_MS)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_one_click_imports_what_another_tool_made(qtbot: QtBot, application: Application, folder: Path) -> None:
    for split, photo in (("train", "cat.jpg"), ("valid", "dog.jpg")):
        _coco(folder / split / "_annotations.coco.json", photo)
    _open(qtbot, application, folder)
    banner = application.window.banner
    qtbot.waitUntil(lambda: banner.has(OFFER) and "another tool" in banner.text)
    assert banner.text == ("Annotations of another tool are here: train/_annotations.coco.json and 1 more (COCO JSON).")
    with qtbot.waitSignal(
        application.session.message, check_params_cb=lambda text, *_: "2 objects added in 2 photos" in text
    ):
        _click(qtbot, application, "Import")
    assert application.session.categories.find("goblet")
    _open(qtbot, application, folder.parent)
    _open(qtbot, application, folder)
    _looked(qtbot, application)
    assert not banner.has(OFFER), "the project has annotations now"


def test_the_person_chooses_and_what_was_declined_is_not_offered_again(
    qtbot: QtBot, application: Application, folder: Path
) -> None:
    other = folder / "other"
    other.mkdir()
    (folder / "dog.jpg").rename(other / "dog.jpg")
    _coco(other / "other.json", "dog.jpg")
    _open(qtbot, application, other)
    _click(qtbot, application, "Don’t import")
    _coco(folder / "other.json", "cat.jpg")
    (folder / "boxes.csv").write_text("image,xmin,ymin,xmax,ymax,label\nother/dog.jpg,1,2,9,9,ladle\n")
    _open(qtbot, application, folder)
    banner = application.window.banner
    qtbot.waitUntil(lambda: banner.has(OFFER) and "Import which?" in banner.text)
    with qtbot.waitSignal(application.session.message, check_params_cb=lambda text, *_: "1 object added" in text):
        _click(qtbot, application, "CSV of boxes")
    assert application.session.categories.find("ladle")
    assert not application.session.categories.find("goblet")
    _open(qtbot, application, other)
    _looked(qtbot, application)
    assert not banner.has(OFFER)
