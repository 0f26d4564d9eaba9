"""The process ends, whatever hangs: the whole application, closed by its window."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import main
from annotator.core.store.store import Store

APPLICATION = """
import atexit, sys, threading
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QMessageBox
import main
from annotator import app
from annotator.core import edits
from annotator.core.annotation import Annotation
from annotator.core.project import Project
from annotator.core.store import autosave
from annotator.core.store.journal import Journal
from annotator.core.store.project_file import ProjectFile
from dataset.geometry import rectangle

what, folder = sys.argv[1:]

def hang(*args, **options):
    threading.Event().wait()

def steps(application):
    "What the person does; yields until the next step can be taken."
    window, session = application.window, application.session
    if what == "opening":
        while session.folder is None:
            yield
    else:
        while session.document is None:
            yield
        if what == "journal":
            Journal.put = hang
        category = session.categories.add("thing")
        shape = rectangle(1, 1, 9, 9)
        session.push(edits.add(session.document, [Annotation(session.new_id(), category.id, shape)]))
        while what != "journal" and not session.is_kept:
            yield
    QTimer.singleShot(0, window.close)
    while window.isVisible():
        box = window.findChild(QMessageBox, "close.unsaved")
        if box and box.isVisible():
            box.buttons()[[b.text().replace("&", "") for b in box.buttons()].index("Go on without saving")].click()
        yield

def start(self, *args, **options):
    before(self, *args, **options)
    doing, timer = steps(self), QTimer(self.window, interval=10)
    timer.timeout.connect(lambda: next(doing, None))
    timer.start()

before, app.Application.start = app.Application.start, start
app.Application._load_model = lambda *_: None  # torch takes seconds
app.PATIENCE = app.SAVING_PATIENCE = 0.2
autosave.JOURNAL_STALLED_AFTER = 0.1
if what == "opening":
    Project.open = hang
elif what == "file":
    ProjectFile.write = hang
atexit.register(print, "in order")
sys.exit(main.main([folder]))
"""


@pytest.mark.parametrize(
    ("what", "status", "sentence"),
    [
        ("nothing", 0, ""),
        ("opening", 0, ""),
        ("file", 0, "What you did last on cat.jpg is noted down in {private}"),
        ("journal", 1, "What you did last on the classes and cat.jpg is lost"),
    ],
)
def test_the_process_ends_within_seconds(folder: Path, tmp_path: Path, what: str, status: int, sentence: str) -> None:
    environment = os.environ | {"HOME": str(tmp_path), "PYTHONPATH": str(Path(main.__file__).parent)}
    done = subprocess.run(
        [sys.executable, "-c", APPLICATION, what, str(folder)],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    assert ("in order" in done.stdout) is (what == "nothing"), "what does not hang ends in the usual way"
    assert sentence.format(private=folder / ".annotator") in done.stderr
    store = Store.open(folder, fallback=tmp_path / "fallback")
    try:
        assert len(store.load("cat.jpg").annotations) == (what in {"nothing", "file"})
    finally:
        store.close()
