"""Disks that do not answer: the window goes on, says so, and closes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QTimer, QUrl
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from annotator.app import Application
from annotator.core import disk_thread, edits
from annotator.core.annotation import Annotation
from annotator.core.project import Project
from annotator.core.store import autosave
from annotator.core.store.journal import Journal
from annotator.core.store.project_file import ProjectFile
from annotator.core.store.store import Store
from annotator.session import messages, project_opener
from annotator.settings import data_folder
from annotator.window.file_dialogs import dialog_start
from annotator.window.main_window import MainWindow
from dataset import folder as folders
from dataset.geometry import rectangle
from tests.annotator.conftest import Start, start_in

Hang = Callable[..., threading.Event]


@pytest.fixture
def hang(start: Start, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hang]:
    """Have a function wait where its path, or all of them, is on the disk that hangs, until the event that is given."""
    assert start is not None, "what waits goes on before the windows are closed"
    answers = threading.Event()

    def patch(owner: object, name: str, folder: Path | None = None) -> threading.Event:
        original = getattr(owner, name)

        def waiting(*args: Any, **options: Any) -> Any:
            if folder is None or folder in args:
                answers.wait(30)
            return original(*args, **options)

        monkeypatch.setattr(owner, name, waiting)
        return answers

    yield patch
    answers.set()


@pytest.fixture
def other(tmp_path: Path, folder: Path) -> Path:
    """A folder on another disk."""
    place = tmp_path / "other"
    place.mkdir()
    (folder / "dog.jpg").rename(place / "dog.jpg")
    return place


def draw(window: MainWindow) -> None:
    session = window._session
    assert session.document is not None
    category = session.categories.find("thing") or session.categories.add("thing")
    session.push(edits.add(session.document, [Annotation(session.new_id(), category.id, rectangle(1, 1, 9, 9))]))


def wait_for_photo(qtbot: QtBot, window: MainWindow, folder: Path) -> None:
    qtbot.waitUntil(lambda: window._session.folder == folder and window._session.document is not None, timeout=10_000)


def test_another_folder_is_opened_while_one_is_not_listed(
    qtbot: QtBot, start: Start, folder: Path, other: Path, hang: Hang, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_opener, "LATE_AFTER", 0.05)
    answers = hang(folders, "list_images", folder)
    window = start()
    window._session.open(folder)
    qtbot.waitUntil(lambda: f"{folder} has not answered" in window.banner.text)
    window._session.open(other)
    wait_for_photo(qtbot, window, other)
    assert window.banner.text == ""
    (listing,) = [thread for thread in threading.enumerate() if thread.name == "listing"]
    answers.set()
    qtbot.waitUntil(lambda: not listing.is_alive())
    qtbot.wait(50)
    assert window._session.folder == other, "what was cancelled does not take over"
    assert window._session.photos.names == ["dog.jpg"]


def test_what_is_late_is_opened_once_it_answers(
    qtbot: QtBot, start: Start, folder: Path, hang: Hang, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_opener, "LATE_AFTER", 0.05)
    answers = hang(Project, "open", folder)
    window = start()
    window._session.open(folder)
    qtbot.waitUntil(lambda: f"The annotations of {folder} are still being opened" in window.banner.text)
    assert window._session.photos.names == ["cat.jpg", "coffee.jpg", "dog.jpg"]
    answers.set()
    wait_for_photo(qtbot, window, folder)
    assert window.banner.text == ""


def test_another_folder_is_opened_while_one_is_being_opened(
    qtbot: QtBot, start: Start, folder: Path, other: Path, hang: Hang, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_opener, "OTHERS_PATIENCE", 0.05)
    answers = hang(Project, "open", folder)
    window = start()
    window._session.open(folder)
    qtbot.waitUntil(lambda: window._session.folder == folder)
    window._session.open(other)
    wait_for_photo(qtbot, window, other)
    project = window._session.project
    answers.set()
    (opening,) = [each for each in window._session._opener._openings if each.folder == folder]
    qtbot.waitUntil(lambda: opening.thread.join(0))
    qtbot.wait(20)
    assert window._session.project is project
    Store.open(folder, fallback=data_folder() / "projects").close()  # which is free: what came late was closed


def test_the_same_folder_waits_for_its_own_disk(
    qtbot: QtBot, start: Start, folder: Path, hang: Hang, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would seem to be open in another window."""
    monkeypatch.setattr(project_opener, "OTHERS_PATIENCE", 0.01)
    window = start_in(qtbot, start, folder)
    answers = hang(Store, "close")
    window._session.open(folder)
    qtbot.waitUntil(lambda: window._session.project is None)
    qtbot.wait(100)
    assert window.banner.text == ""
    answers.set()
    wait_for_photo(qtbot, window, folder)


def test_the_folder_that_was_open_last_hangs_at_the_start(
    qtbot: QtBot, run_application: Callable[..., Application], folder: Path, hang: Hang, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_thread, "GLANCE", 0.05)
    monkeypatch.setattr(project_opener, "LATE_AFTER", 0.05)
    monkeypatch.setattr(Application, "_load_model", lambda *_: None)
    application = run_application()
    application.settings.add_recent(folder)
    hang(Path, "is_dir", folder)
    answers = hang(folders, "list_images", folder)
    application.start(None)
    qtbot.waitUntil(lambda: f"{folder} has not answered" in application.window.banner.text)
    assert application.session.folder is None
    answers.set()
    qtbot.waitUntil(lambda: application.session.folder == folder)


def test_dialogs_and_drops_do_not_wait_for_a_disk(
    start: Start, folder: Path, hang: Hang, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = start()
    urls = [QUrl.fromLocalFile(str(folder))]
    assert window._files.can_open(urls)
    assert dialog_start(folder, "annotations.json") == str(folder / "annotations.json")
    monkeypatch.setattr(disk_thread, "GLANCE", 0.05)
    hang(Path, "is_dir", folder)
    hang(Path, "exists", folder)
    assert not window._files.can_open(urls)
    assert dialog_start(folder, "annotations.json") == str(Path.home() / "annotations.json")


def answer(window: MainWindow, text: str, said: list[str]) -> None:
    box = window.findChild(QMessageBox, "close.unsaved")
    if box is None or not box.isVisible():
        QTimer.singleShot(10, window, lambda: answer(window, text, said))
        return
    said.append(box.informativeText())
    next(button for button in box.buttons() if button.text().replace("&", "") == text).click()


def test_the_window_closes_although_the_disk_takes_nothing(
    qtbot: QtBot, start: Start, folder: Path, hang: Hang, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autosave, "JOURNAL_STALLED_AFTER", 0.1)
    window = start_in(qtbot, start, folder)
    session = window._session
    session._watch.setInterval(20)
    hang(Journal, "put")
    draw(window)
    said: list[str] = []
    answer(window, "Go on without saving", said)
    window.close()
    qtbot.waitUntil(lambda: not window.isVisible())
    assert len(said) == 1
    assert said[0].startswith("What you did last on the classes and cat.jpg is only in this window.")
    begin = time.monotonic()
    assert not session.close(0.1)
    assert time.monotonic() - begin < 2
    (store,) = session.unsaved
    assert "What you did last on the classes and cat.jpg is lost" in messages.edits_left_behind(store)


def test_what_is_noted_down_is_said_to_be_and_is_there_again(
    qtbot: QtBot, start: Start, folder: Path, hang: Hang
) -> None:
    window = start_in(qtbot, start, folder)
    session = window._session
    answers = hang(ProjectFile, "write")
    draw(window)
    qtbot.waitUntil(lambda: session.is_kept)
    window.close()
    assert not window.isVisible(), "nothing is to be asked"
    begin = time.monotonic()
    assert not session.close(0.1)
    assert time.monotonic() - begin < 2
    (store,) = session.unsaved
    text = messages.edits_left_behind(store)
    assert "could not be written in time. What you did last on cat.jpg is noted down in" in text
    assert str(folder / ".annotator") in text
    answers.set()
    assert session.close(10)
    assert session.unsaved == []


def test_edits_of_a_folder_that_was_left_are_written_once_its_disk_answers(
    qtbot: QtBot, start: Start, folder: Path, other: Path, hang: Hang, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_opener, "OTHERS_PATIENCE", 0.05)
    window = start_in(qtbot, start, folder)
    answers = hang(ProjectFile, "write")
    draw(window)
    window._session.open(other)
    wait_for_photo(qtbot, window, other)
    assert [store.images for store in window._session.unsaved] == [folder]
    assert not (folder / "annotations.json").exists()
    answers.set()
    qtbot.waitUntil((folder / "annotations.json").exists)
    qtbot.waitUntil(lambda: not window._session.unsaved)


def test_a_copy_is_saved_elsewhere_while_the_disk_takes_nothing(
    qtbot: QtBot, start: Start, folder: Path, tmp_path: Path, hang: Hang, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autosave, "JOURNAL_STALLED_AFTER", 0.1)
    window = start_in(qtbot, start, folder)
    session, copy = window._session, tmp_path / "copy.json"
    session._watch.setInterval(20)
    answers = hang(Journal, "put")
    draw(window)
    qtbot.waitUntil(lambda: bool(session.save_error))
    session.save_as(tmp_path / "nowhere" / "copy.json")
    qtbot.waitUntil(lambda: "could not be saved there" in window.banner.text)
    session.save_as(copy)
    qtbot.waitUntil(lambda: f"All annotations are in {copy}." in window.banner.text)
    assert len(json.loads(copy.read_bytes())["annotations"]) == 1
    assert session.store is not None
    assert messages.edits_kept(session.store) == f"All annotations are in {copy}, where you saved them."
    draw(window)
    assert "cat.jpg is only in this window" in messages.edits_kept(session.store)
    answers.set()
    qtbot.waitUntil(lambda: session.is_kept and not session.save_error)
