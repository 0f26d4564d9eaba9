"""What the window shows of the saving, and that it does not close over work that is on no disk."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QMessageBox
from pytestqt.qtbot import QtBot

from annotator.app import _report_unforeseen
from annotator.core import edits
from annotator.core.annotation import Annotation
from annotator.core.store import autosave
from annotator.core.store.journal import Journal
from annotator.session import worker_thread
from annotator.session.worker_thread import WorkerThread
from annotator.window.main_window import MainWindow
from dataset.geometry import rectangle
from tests.annotator.conftest import Start
from tests.qt import find

NAMES = [os.fsdecode(b"caf\xe9.png"), "back\\slash.png", "line\nbreak.png", "plain.png"]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / os.fsdecode(b"fotos \xe9")
    try:
        folder.mkdir()
        for name in NAMES:
            Image.new("RGB", (64, 48)).save(folder / name)
    except OSError:
        pytest.skip("this system has no such names")
    return folder


def opened(qtbot: QtBot, start: Start, folder: Path) -> MainWindow:
    window = start()
    window._session.open(folder)
    qtbot.waitUntil(lambda: window._session.document is not None)
    return window


def draw(window: MainWindow) -> None:
    session = window._session
    category = session.categories.find("thing") or session.categories.add("thing")
    assert session.document
    session.push(edits.add(session.document, [Annotation(session.new_id(), category.id, rectangle(1, 1, 9, 9))]))


def answer(window: MainWindow, text: str) -> Callable[[], None]:
    def click() -> None:
        box = find(window, QMessageBox, "close.unsaved")
        next(b for b in box.buttons() if b.text().replace("&", "") == text).click()

    return click


def test_photos_of_any_name_are_chosen_drawn_on_and_remembered(qtbot: QtBot, start: Start, photos: Path) -> None:
    window = opened(qtbot, start, photos)
    session, rows = window._session, window.photos_panel.rows
    assert sorted(session.photos.names) == sorted(NAMES)
    for row, name in enumerate(session.photos.names):
        at = rows.visualRect(rows.model().index(row, 0)).center()
        QTest.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=at)
        qtbot.waitUntil(lambda n=name: session.document is not None and session.document.name == n)
        draw(window)
    qtbot.waitUntil(lambda: session.is_kept)
    QTest.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=rows.visualRect(rows.model().index(0, 0)).center())
    last = session.photos.names[0]
    qtbot.waitUntil(lambda: session.document is not None and session.document.name == last)
    window.close()
    session.close()
    data = json.loads((photos / "annotations.json").read_bytes())
    assert sorted(image["file_name"] for image in data["images"]) == sorted(NAMES)
    again = opened(qtbot, start, photos)
    assert again._session.current == last
    assert [again._session.photos.count(i) for i in range(len(NAMES))] == [1] * len(NAMES)
    assert again._settings.recent == [photos]


def test_the_window_stays_until_the_last_edit_is_on_disk(
    qtbot: QtBot, start: Start, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = opened(qtbot, start, photos)
    moves, original = threading.Event(), Journal.put
    monkeypatch.setattr(Journal, "put", lambda *args, **options: (moves.wait(20), original(*args, **options))[1])
    draw(window)
    window.close()
    assert window.isVisible()
    moves.set()
    qtbot.waitUntil(lambda: not window.isVisible())


@pytest.mark.parametrize("goes", [False, True])
def test_a_saving_that_has_stalled_is_shown_and_asked_about(
    qtbot: QtBot, start: Start, photos: Path, monkeypatch: pytest.MonkeyPatch, goes: bool
) -> None:
    monkeypatch.setattr(autosave, "JOURNAL_STALLED_AFTER", 0.2)
    window = opened(qtbot, start, photos)
    session, saved = window._session, find(window, QLabel, "status.saved")
    session._watch.setInterval(20)
    moves, original = threading.Event(), Journal.put
    monkeypatch.setattr(Journal, "put", lambda *args, **options: (moves.wait(20), original(*args, **options))[1])
    draw(window)
    assert saved.text() == "saving…"
    QTimer.singleShot(1500, answer(window, "Go on without saving" if goes else "Cancel"))
    window.close()
    qtbot.waitUntil(lambda: saved.text() == "not saved")
    assert "have not been noted down" in window.banner.text
    qtbot.waitUntil(lambda: window.findChild(QMessageBox, "close.unsaved") is not None)
    qtbot.waitUntil(lambda: window.isVisible() is not goes)
    moves.set()
    if not goes:
        qtbot.waitUntil(lambda: saved.text() == "saved")
        assert "noted down" not in window.banner.text


def test_an_error_in_the_disks_thread_is_shown(qtbot: QtBot, start: Start, photos: Path) -> None:
    window = opened(qtbot, start, photos)

    def fail() -> None:
        raise KeyError("nobody foresaw it")

    with qtbot.waitSignal(window._session.message) as told:
        window._session.on_disk(fail)
    assert told.args is not None
    assert "KeyError: 'nobody foresaw it'" in told.args[0]


def test_a_worker_goes_on_after_an_error(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_thread, "RESTART_AFTER", 0.01)
    errors = iter([KeyError("one"), MemoryError("two"), SystemExit("three")])
    sentences: list[str] = []

    def work() -> None:
        for error in errors:
            raise error

    thread = WorkerThread(work, "test")
    thread.failed.connect(sentences.append)
    thread.start()
    qtbot.waitUntil(thread.isFinished)
    qtbot.waitUntil(lambda: len(sentences) == 3)
    reasons = [sentence.partition("failed: ")[2] for sentence in sentences]
    assert reasons == ["KeyError: 'one'", "MemoryError: two", "SystemExit: three"]


def test_what_nobody_foresaw_is_shown_whatever_the_thread(
    qtbot: QtBot, start: Start, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    session = start()._session
    _report_unforeseen(session)

    def fail() -> None:
        raise KeyError("nobody foresaw it")

    with qtbot.waitSignal(session.message) as told:
        threading.Thread(target=fail, name="any").start()
    assert told.args is not None
    assert "KeyError: 'nobody foresaw it'" in told.args[0]
