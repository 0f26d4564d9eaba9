"""The window when its COCO file, or the disk under it, is not what it was: title, question, banner."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLabel, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from annotator.core import edits
from annotator.core.annotation import Annotation
from annotator.window.main_window import MainWindow
from dataset.geometry import rectangle
from tests.annotator.conftest import Start, start
from tests.faults.disks import small_disk
from tests.qt import find

__all__ = ["start"]


def _open(qtbot: QtBot, window: MainWindow, folder: Path) -> None:
    session = window._session
    session.open(folder)
    qtbot.waitUntil(lambda: session.document is not None and session.folder == folder)


def _draw(window: MainWindow, count: int = 1) -> None:
    session = window._session
    category = session.categories.find("thing") or session.categories.add("thing")
    assert session.document
    new = [Annotation(session.new_id(), category.id, rectangle(10, 10, 60, 60 + n % 40)) for n in range(count)]
    session.push(edits.add(session.document, new))


def _saved_as(qtbot: QtBot, window: MainWindow, target: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Save as `target` by the menu; where the dialog began."""
    began: list[str] = []

    def answer(_window: object, _title: str, begin: str, _filter: str) -> tuple[str, str]:
        began.append(begin)
        return str(target), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
    window.action_table["file.save_as"].trigger()
    store = window._session.store
    assert store
    qtbot.waitUntil(lambda: store.file == target and not store.unsaved)
    return began


def test_the_title_names_a_file_that_is_not_the_folders_own(
    qtbot: QtBot, start: Start, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = start()
    _open(qtbot, window, folder)
    assert window.windowTitle() == "1/3 cat.jpg – photos – Annotator"
    _draw(window)
    began = _saved_as(qtbot, window, folder / "second.json", monkeypatch)
    assert began == [str(folder / "annotations.json")]
    qtbot.waitUntil(lambda: "cat.jpg – second.json – photos – " in window.windowTitle())
    elsewhere = tmp_path / "elsewhere.json"
    began = _saved_as(qtbot, window, elsewhere, monkeypatch)
    assert began == [str(folder / "second.json")]
    qtbot.waitUntil(lambda: f"cat.jpg – {elsewhere} – photos – " in window.windowTitle())
    window.close()
    window._session.close()

    window = start()
    _open(qtbot, window, folder)
    assert f"cat.jpg – {elsewhere} – photos – " in window.windowTitle()
    assert window._session.document
    assert len(window._session.document.annotations) == 1
    window.close()
    window._session.close()

    elsewhere.unlink()
    window = start()
    _open(qtbot, window, folder)
    assert window.windowTitle() == "1/3 cat.jpg – photos – Annotator"
    assert window.banner.text.startswith(f"{elsewhere}, to which this folder was last saved, is not there")


def test_the_work_is_saved_to_another_place_with_the_disk_gone(
    qtbot: QtBot, start: Start, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "disk", "2m") as disk:
        photos = disk.path / "photos"
        shutil.copytree(folder, photos)
        window = start()
        _open(qtbot, window, photos)
        _draw(window)
        session, store = window._session, window._session.store
        assert store
        session.save()
        qtbot.waitUntil(lambda: find(window, QLabel, "status.saved").text() == "saved")
        disk.pull()
        _draw(window, 5)
        session.save()
        qtbot.waitUntil(lambda: "could not be saved" in window.banner.text)
        home = str(store.private_folder)
        assert not home.startswith(str(disk.path))
        assert f"your work is kept meanwhile in {home}" in window.banner.text

        asked: list[str] = []

        def cancel() -> None:
            question = find(window, QMessageBox, "close.unsaved")
            asked.append(question.informativeText())
            question.reject()

        QTimer.singleShot(0, cancel)
        window.close()
        assert "is there again when the folder is opened" in asked[0]
        assert window.isVisible()

        target = tmp_path / "rescued.json"
        _saved_as(qtbot, window, target, monkeypatch)
        assert len(json.loads(target.read_text())["annotations"]) == 6
        qtbot.waitUntil(lambda: "could not be saved" not in window.banner.text)
        qtbot.waitUntil(lambda: find(window, QLabel, "status.saved").text() == "saved")
        assert window.close(), "nothing is asked any more"
        session.close()


def test_a_failed_save_to_another_place_leaves_the_window_saved(
    qtbot: QtBot, start: Start, folder: Path, tmp_path: Path
) -> None:
    window = start()
    _open(qtbot, window, folder)
    _draw(window)
    session = window._session
    session.save()
    status = find(window, QLabel, "status.saved")
    qtbot.waitUntil(lambda: status.text() == "saved")
    session.save_as(tmp_path / "none" / "x.json")
    qtbot.waitUntil(lambda: "could not be saved there" in window.banner.text)
    assert window.banner.text.endswith("they stay in " + str(folder / "annotations.json") + ".")
    assert status.text() == "saved"
    assert session.save_error == ""


def test_a_protected_file_is_replaced_when_that_is_chosen(qtbot: QtBot, start: Start, folder: Path) -> None:
    file = folder / "annotations.json"
    file.write_text(json.dumps({"images": [], "annotations": [], "categories": []}))
    file.chmod(0o444)
    before = file.read_bytes()
    window = start()
    _open(qtbot, window, folder)
    _draw(window)
    window._session.save()
    qtbot.waitUntil(lambda: "write-protected" in window.banner.text)
    assert file.read_bytes() == before
    buttons = [b for b in window.banner.findChildren(QPushButton, "banner.action") if b.isVisible()]
    assert [b.text() for b in buttons] == ["Replace it", "Save as…"]
    QTest.mouseClick(buttons[0], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: find(window, QLabel, "status.saved").text() == "saved")
    assert len(json.loads(file.read_text())["annotations"]) == 1
    assert window.banner.text == ""
