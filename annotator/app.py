"""The composition root: builds the parts of the application and joins them."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
import threading
from typing import TYPE_CHECKING

from PySide6.QtCore import QSocketNotifier, QTimer
from PySide6.QtWidgets import QApplication

from annotator import theme
from annotator.core.disk_thread import Deadline, answered
from annotator.finetune.controller import FineTuneController
from annotator.finetune.model_versions import ModelVersions
from annotator.garbage_collection import collect_in_gui_thread
from annotator.icons import product_icon
from annotator.language import choose_language, install_qt_translation
from annotator.session import messages
from annotator.session.image_cache import ImageCache
from annotator.session.session import Session
from annotator.settings import Settings, data_folder
from annotator.suggestions.box_prompts import BoxPrompts
from annotator.suggestions.controller import SuggestionController
from annotator.suggestions.inference_worker import InferenceWorker
from annotator.suggestions.keypoint_prompts import KeypointPrompts
from annotator.suggestions.last_photo import LastPhotoCopier
from annotator.suggestions.model_selection import ModelSelector
from annotator.suggestions.point_prompts import PointPrompts
from annotator.window.main_window import MainWindow
from dataset.i18n import tr
from resources import SAMPLES

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType


PATIENCE = 1.0  # seconds that a closed window waits for what nobody needs any more
SAVING_PATIENCE = 10.0  # and for a disk that is to take edits; what the journal has is there again the next time


class Application:
    """The running parts: the settings, the session, the model's thread and the window."""

    def __init__(self, qt: QApplication, *, weights: str = "", device: str = "") -> None:
        self.settings = Settings()
        theme.apply(qt, self.settings.scheme)
        qt.setWindowIcon(product_icon())
        self._cache = ImageCache()
        self.session = Session(self.settings, self._cache)
        self.suggester = InferenceWorker(self._cache)
        self.choice = ModelSelector(self.session, self.suggester, self.settings, weights=weights, device=device)
        self.flow = SuggestionController(self.session, self.suggester)
        self.choice.changing.connect(self.flow.expect_model)
        self.window = MainWindow(self.session, self.suggester, self.flow, self.choice, self.settings)
        self.boxes = BoxPrompts(self.session, self.suggester, self.flow, self.window.canvas, self.window)
        self.points = PointPrompts(self.session, self.suggester, self.flow, self.window.canvas, self.window)
        self.keypoints = KeypointPrompts(self.session, self.suggester, self.flow, self.window)
        self.window.keypoints_requested.connect(self.keypoints.ask)
        self.last_photo = LastPhotoCopier(self.session, self.suggester, self.flow, self.window)
        self.window.copy_of_last_requested.connect(self.last_photo.copy)
        self.window.samples_requested.connect(self.open_samples)
        self.models = ModelVersions(self.session, self.suggester, self.flow, self.choice, self.window)
        self.finetuning = FineTuneController(self.session, self.flow, self.choice, self.models, self.window)
        # torch takes seconds of CPU to import: not before the first photo is on screen, or there is none to come.
        self.session.photo_changed.connect(self._load_model)
        self._patience = QTimer(singleShot=True, interval=1500)
        self._patience.timeout.connect(self._load_model)
        self._closed = False

    def start(self, folder: Path | None, file: Path | None = None, *, samples: bool = False) -> None:
        """Show the window, then open a folder: this one, the samples, or the one that was open last."""
        self.window.show()
        self._patience.start()
        if samples:
            self.open_samples()
        elif folder:
            self.session.open(folder, file)
        else:
            recent = self.settings.recent
            if recent and answered(recent[0].is_dir) is not False:  # one whose disk hangs is said to be late
                self.session.open(recent[0])

    def open_samples(self) -> None:
        """Open a copy of the sample photos, where annotations may be written."""
        self.session.open(copy_samples(data_folder() / "samples"))

    def close(self, seconds: float | None = None, *, saving: float | None = None) -> bool:
        """Keep every edit, stop the threads and the training, and return whether they have ended.

        Edits come first, and the folder is free for another window. A disk may not answer, the model may be in the
        middle of something long, so may the training, which saves itself: all that is waited for at most so many
        seconds, but for a disk on which edits are to be saved, which has `saving` seconds.
        """
        if not self._closed:
            self._closed = True
            theme.changed.disconnect(self.window.apply_theme)
            self.suggester.stop()
            self.window.checking.checker.stop()
            self.finetuning.leave()
            self.session.stop()
        disks_ended = self.session.close(saving if self.session.unsaved else seconds)
        deadline = Deadline(seconds)
        parts = (self.suggester.close, self._cache.close, self.finetuning.close, self.window.checking.checker.close)
        ended = [part(deadline.left) for part in parts]
        return disks_ended and all(ended)

    def _load_model(self, *_: object) -> None:
        self._patience.stop()
        # One turn of the event loop later: the photo is painted first.
        QTimer.singleShot(50, self.choice.start)


def copy_samples(folder: Path) -> Path:
    """Copy the sample photos that are not there yet, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for photo in SAMPLES.glob("*.jpg"):
        if not (folder / photo.name).exists():
            shutil.copyfile(photo, folder / photo.name)
    return folder


def run(folder: Path | None, file: Path | None, *, samples: bool, weights: str, device: str) -> int:
    """Run the window until it is closed, and return the exit status."""
    QApplication.setApplicationName("Annotator")
    QApplication.setOrganizationName("Annotator")
    QApplication.setDesktopFileName("annotator")
    qt = QApplication(sys.argv[:1])
    collect_in_gui_thread(qt)
    choose_language(Settings())
    install_qt_translation(qt)
    application = Application(qt, weights=weights, device=device)
    _report_unforeseen(application.session)
    application.start(folder, file, samples=samples)
    gc.freeze()  # what is there by now stays: going through it takes the collector a tenth of a second each time
    notifier = _quit_on_interrupt(qt)
    status = qt.exec()
    _end_on_interrupt()
    has_ended = application.close(PATIENCE, saving=SAVING_PATIENCE)
    unsaved = application.session.unsaved
    if sys.stderr:
        sys.stderr.writelines(f"{messages.edits_left_behind(store)}\n" for store in unsaved)
    status = status or int(not all(store.is_kept or store.copy for store in unsaved))
    if not has_ended:
        # The model is being loaded or looks at a photo, or a disk does not answer: the threads that wait for it cannot
        # be ended, and would be in the way of the interpreter's end.
        for stream in (sys.stdout, sys.stderr):
            if stream:
                stream.flush()
        os._exit(status)
    del notifier
    return status


def _report_unforeseen(session: Session) -> None:
    """Show what nobody foresaw, in whatever thread it happens; the traceback is on standard error as before."""

    def report(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        sys.__excepthook__(kind, error or kind(), trace)
        if issubclass(kind, Exception):
            text = tr("Something failed: {reason}. What you did is kept.", reason=f"{kind.__name__}: {error}")
            session.message.emit(text, "error", "")

    sys.excepthook = report
    threading.excepthook = lambda failed: report(failed.exc_type, failed.exc_value, failed.exc_traceback)


def _end_on_interrupt() -> None:
    """Let Ctrl+C and a termination request end the process at once: the window is gone, and its loop hears none."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def _quit_on_interrupt(qt: QApplication) -> QSocketNotifier | None:
    """Let Ctrl+C and a termination request close the window in order, so that everything is kept."""
    if sys.platform == "win32":
        signal.signal(signal.SIGINT, lambda *_: qt.closeAllWindows())
        return None
    import socket  # noqa: PLC0415 - not on Windows

    # Python runs its handlers between bytecodes, and Qt's loop runs none: a byte on a socket wakes it.
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.fileno())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    notifier = QSocketNotifier(reader.fileno(), QSocketNotifier.Type.Read)
    notifier.activated.connect(lambda *_: qt.quit())
    notifier.setProperty("sockets", (reader, writer))
    return notifier
