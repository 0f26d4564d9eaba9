"""What every test runs under: offscreen, with settings and data of its own, and no thread left behind."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

# Before anything reads it, here and in the processes that tests start: tiny networks wait for threads longer than they
# compute, and as many processes as there are cores run tests.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("ANNOTATOR_PREPARE", "0")  # or a process makes graphs of every tiny network that is loaded

import model  # noqa: F401 - it sets how torch's threads wait
from annotator.garbage_collection import collect_due
from resources import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from PySide6.QtWidgets import QApplication

    from annotator.app import Application

if os.environ.setdefault("QT_QPA_PLATFORM", "offscreen") == "offscreen" and sys.platform != "win32":
    # Of the size that people have: the platform's own screen, of 800 x 800 pixels, is smaller than the window.
    os.environ["QT_QPA_PLATFORM"] += f":configfile={Path(__file__).with_name('screen.json')}"

# How fast a machine is, and what else it does, is no property of the code.
_ANY_MACHINE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("any machine", _ANY_MACHINE, max_examples=40, derandomize=True)
"""The same examples every time: what passes passes again."""
settings.register_profile("search", _ANY_MACHINE, max_examples=1000)
"""New examples every time (`make stress`)."""
settings.load_profile("any machine")

# As in the program: a window that a test left must not be destroyed in a thread of the next one.
gc.disable()

DISK_THREADS = {"disk", "file", "journal", "listing"}
"""Daemons, because a disk may hold them up for ever."""

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_runtest_teardown() -> None:
    """Collect cycles between tests, in the thread that runs them."""
    collect_due()


@pytest.fixture(autouse=True)
def _own_settings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the person's own settings or data is read or written."""
    home = tmp_path_factory.mktemp("home")
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(home / name))
    from PySide6.QtCore import QSettings

    QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, str(home / "settings"))


@pytest.fixture(autouse=True)
def _no_thread_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """A thread that outlives its test fails it: a process waits for it at its end, or it still has edits to write."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 5
    left: list[threading.Thread] = []
    while time.monotonic() < deadline:
        left = [t for t in threading.enumerate() if t not in before and (not t.daemon or t.name in DISK_THREADS)]
        if not left:
            return
        time.sleep(0.02)
    pytest.fail(f"{request.node.name} left threads behind: {[t.name for t in left]}")


@pytest.fixture
def run_application(qapp: QApplication) -> Iterator[Callable[..., Application]]:
    """Make applications, as `Application` takes its options; all are closed in the end, with what they still do."""
    from annotator.app import Application

    running: list[Application] = []

    def run(**options: Any) -> Application:
        running.append(Application(qapp, **options))
        return running[-1]

    yield run
    for application in running:
        application.finetuning.process.cancel()
        application.window.close()
        application.close()
        application.window.deleteLater()


@pytest.fixture
def shared_data() -> Path:
    """Real photos and annotations, where there are any."""
    if not SHARED.is_dir():
        pytest.skip("the folder of shared test photos is not here")
    return SHARED


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of three of the sample photos: cat.jpg, coffee.jpg, dog.jpg."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("cat", "coffee", "dog"):
        shutil.copy(SAMPLES / f"{name}.jpg", photos)
    return photos
