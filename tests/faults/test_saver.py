"""Whatever fails at whatever step of the saving is reported, nothing stops, and all is on disk once it is over."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from annotator.core.annotation import Annotation
from annotator.core.photo_state import Mark, PhotoState
from annotator.core.store import autosave, journal, project_file, saver
from annotator.core.store.coco_document import CocoFile
from annotator.core.store.journal import Journal, JournalRow
from annotator.core.store.project_file import ProjectFile
from annotator.core.store.project_folder import ProjectFolder
from annotator.core.store.saver import Saver
from annotator.core.store.store import SaveNotice, SaveState, Store
from annotator.core.store.suggestion_pools import SuggestionPools
from dataset import atomic_files
from dataset.geometry import rectangle

SIZE = (64, 48)
NAMES = ("a.jpg", "b.jpg")

ERRORS: list[BaseException] = [
    *(OSError(number, os.strerror(number)) for number in (errno.ENOSPC, errno.EIO, errno.EACCES)),
    *(kind("why") for kind in (sqlite3.OperationalError, sqlite3.DatabaseError, sqlite3.ProgrammingError)),
    *(kind("why") for kind in (sqlite3.DataError, ValueError, OverflowError, RecursionError, MemoryError, KeyError)),
    *(kind("why") for kind in (TypeError, AttributeError, AssertionError, RuntimeError, StopIteration, EOFError)),
    UnicodeEncodeError("utf-8", "\udcff", 0, 1, "surrogates not allowed"),
    ExceptionGroup("of", [ValueError("two")]),
    *(kind() for kind in (SystemExit, KeyboardInterrupt, GeneratorExit)),
]

STEPS: dict[str, tuple[Any, str]] = {
    "a turn of the journal's thread": (autosave.Autosave, "_take_turn"),
    "starting the file's thread": (autosave.Autosave, "_start_saving"),
    "the journal": (Saver, "_journal_pending"),
    "the file": (Saver, "_write"),
    "the key of the file": (saver, "file_key"),
    "packing a photo": (JournalRow, "of"),
    "packing the classes": (saver, "packed_categories"),
    "packing the mark": (saver, "packed_mark"),
    "the journal's transaction": (Journal, "put"),
    "the journal's rows": (Journal, "_insert"),
    "a name for SQLite": (journal, "_to_sql"),
    "the journal's facts": (Journal, "_put_metadata"),
    "the suggestions": (SuggestionPools, "write_journal"),
    "looking at the file": (ProjectFile, "is_ours"),
    "laying out": (ProjectFile, "lay_out"),
    "laying out a photo": (ProjectFile, "_laid_out"),
    "encoding an annotation": (project_file, "encode_annotation"),
    "the backup": (ProjectFolder, "back_up"),
    "the file's chunks": (CocoFile, "chunks"),
    "replacing the file": (project_file, "replace_file"),
    "a sync": (atomic_files.os, "fsync"),
    "a notice": (autosave.Autosave, "_notify"),
}


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic_files, "sync_folder", lambda _folder: None)  # slow, and nothing here pulls the plug
    for name in ("JOURNAL_AFTER", "FILE_AFTER", "SHARE", "RETRY_AFTER"):
        monkeypatch.setattr(autosave, name, 0.002)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in NAMES:
        (folder / name).touch()
    return folder


@pytest.fixture
def notices() -> list[SaveNotice]:
    return []


@pytest.fixture
def store(photos: Path, tmp_path: Path, notices: list[SaveNotice]) -> Iterator[Store]:
    opened = Store.open(photos, fallback=tmp_path / "fallback", notify=notices.append)
    opened.categories.add("thing")
    opened.put(NAMES[0], PhotoState(SIZE, (box(1),)))
    opened.save().result(10)
    yield opened
    opened.close()


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def box(annotation_id: int, **fields: Any) -> Annotation:
    return Annotation(annotation_id, 1, rectangle(1, 1, 9, 9), **fields)


def numbers(file: Path) -> dict[str, list[int]]:
    """The `number` of every annotation in a COCO file, by the photo's name."""
    data = json.loads(file.read_bytes())
    names = {image["id"]: image["file_name"] for image in data["images"]}
    found: dict[str, list[int]] = {name: [] for name in names.values()}
    for annotation in data["annotations"]:
        found[names[annotation["image_id"]]].append(annotation["number"])
    return found


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("step", STEPS)
def test_no_error_at_any_step_stops_the_saving(
    store: Store, notices: list[SaveNotice], step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, name = STEPS[step]
    original, left = getattr(owner, name), [0]
    error = ERRORS[0]

    def failing(*args: Any, **kwargs: Any) -> Any:
        if left[0] and threading.current_thread() is not threading.main_thread():
            left[0] -= 1
            raise error
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, failing)
    for number, error in enumerate(ERRORS, 1):
        left[0] = 2
        store._saver._backed_up.clear()
        store.categories.rename(1, f"thing {number}")
        for photo in NAMES:
            store.put(photo, PhotoState(SIZE, (box(NAMES.index(photo) + 1, extra={"number": number}),), mark=Mark.DONE))
        if step == "the backup":
            store._saver._backed_up.clear()
        wait_for(lambda: left[0] < 2 and not store.unsaved and store.is_kept)
        assert numbers(store.file) == {photo: [number] for photo in NAMES}, error
    left[0] = 0
    wait_for(lambda: not store._saver._autosave._problems)
    if step not in {"a notice", "the key of the file"}:
        assert any(notice.state is SaveState.FAILED for notice in notices)
    if step != "a notice":
        wait_for(lambda: notices[-1].state is SaveState.SAVED)
    store.close()
    again = Store.open(store.images, fallback=store.images / "fallback")
    again.close()
    assert again.warnings == []
    assert again.categories[1].name == f"thing {len(ERRORS)}"
    assert all(again.is_done(photo) for photo in NAMES)


def test_a_photo_that_cannot_be_written_never_holds_up_the_others(
    store: Store, notices: list[SaveNotice], photos: Path, tmp_path: Path
) -> None:
    good = box(2, extra={"number": 1})
    store.put("a.jpg", PhotoState(SIZE, (box(1, extra={"number": object()}),), mark=Mark.DONE))
    store.put("b.jpg", PhotoState(SIZE, (good,), mark=Mark.DONE))
    wait_for(lambda: "b.jpg" in store.file.read_text() and len(notices) > 2)
    assert store.unsaved
    assert not store.is_kept
    sentences = [notice.message for notice in notices if notice.state is SaveState.FAILED]
    assert len(sentences) == 2, "each is told once, however often it is tried"
    assert all("a.jpg" in text and "b.jpg" not in text for text in sentences)
    crashed = Store.open(shutil.copytree(photos, tmp_path / "crashed"), fallback=tmp_path)
    crashed.close()
    assert crashed.load("b.jpg") == PhotoState(SIZE, (good,), mark=Mark.DONE)
    assert crashed.load("a.jpg") == PhotoState(SIZE, (box(1),)), "as it was before"
    store.put("a.jpg", PhotoState(SIZE, (box(1, extra={"number": 3}),), mark=Mark.DONE))
    wait_for(lambda: not store.unsaved and store.is_kept and notices[-1].state is SaveState.SAVED)
    assert numbers(store.file) == {"a.jpg": [3], "b.jpg": [1]}


@pytest.mark.parametrize(
    ("owner", "step", "words"),
    [
        (ProjectFile, "write", "annotations.json has not been written"),
        (Journal, "put", "Your last edits have not been noted down"),
    ],
)
def test_a_saver_that_does_not_move_is_reported(
    store: Store, notices: list[SaveNotice], monkeypatch: pytest.MonkeyPatch, owner: type, step: str, words: str
) -> None:
    wait_for(lambda: store.is_kept and not store.unsaved)
    monkeypatch.setattr(autosave, "JOURNAL_STALLED_AFTER", 0.05)
    monkeypatch.setattr(autosave, "FILE_STALLED_AFTER", 0.05)
    moves, original = threading.Event(), getattr(owner, step)
    monkeypatch.setattr(owner, step, lambda *args, **named: (moves.wait(10), original(*args, **named))[1])
    store.check_progress()
    notices.clear()
    store.put("b.jpg", PhotoState(SIZE, (box(2),)))
    wait_for(lambda: store.check_progress() or any(words in notice.message for notice in notices))
    assert notices[0].state is SaveState.FAILED
    assert store.unsaved
    assert store.is_kept == (owner is ProjectFile)
    moves.set()
    wait_for(lambda: store.is_kept and notices[-1].state is SaveState.SAVED)
