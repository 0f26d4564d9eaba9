"""The window on the screens that people have. Each is a process of its own, because a process has one screen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import json, sys
from pathlib import Path
from PySide6.QtCore import QPoint, QSettings
from PySide6.QtWidgets import QApplication, QPushButton, QToolButton, QWidget
from annotator import theme
from annotator.core.training_set import ClassFact, Summary
from annotator.panels.dialogs.finetune_dialog import FineTuneDialog
from annotator.session.image_cache import ImageCache
from annotator.session.session import Session
from annotator.settings import Settings
from annotator.suggestions.controller import SuggestionController
from annotator.suggestions.inference_worker import InferenceWorker
from annotator.suggestions.model_selection import ModelSelector
from annotator.window.main_window import MainWindow

app = QApplication([])
settings = Settings(QSettings(sys.argv[1], QSettings.Format.IniFormat))
theme.apply(app, "light")
cache = ImageCache()
session, suggester = Session(settings, cache), InferenceWorker(cache)
choice = ModelSelector(session, suggester, settings)
window = MainWindow(session, suggester, SuggestionController(session, suggester), choice, settings)
window.show()
app.processEvents()
if sys.argv[2] != "0":
    window.resize(int(sys.argv[2]), int(sys.argv[3]))
hint = "Drag move  \\u00b7  Arrows nudge  \\u00b7  Del delete  \\u00b7  " * 6
window.status.set_hint(hint)
window.status.set_activity("looking at " + "a_long_name_" * 12 + ".jpg")
app.processEvents()
screen, frame = app.primaryScreen().availableGeometry(), window.frameGeometry()
panels = [*window.docks, window.strip, window.pages, window.status, *window.status.findChildren(QWidget)]
inside = [window.rect().contains(p.rect().translated(p.mapTo(window, QPoint()))) for p in panels if p.isVisible()]
dialog = FineTuneDialog("builtin", "cpu", window)
dialog.show()
dialog.move(100, screen.height() - dialog.height())
classes = tuple(ClassFact(f"class {n}", "#ff9f1c", n, is_new=True) for n in range(9))
dialog.set_summary(Summary(12, 2, classes, ("A class has a single object so far.",) * 3, ready=True))
dialog.findChild(QToolButton, "finetune.advanced").click()
app.processEvents()
train = dialog.findChild(QPushButton, "finetune.train")
shown = dialog.rect().contains(train.rect().translated(train.mapTo(dialog, QPoint())))
print(json.dumps({
    "dialog": shown and screen.contains(dialog.frameGeometry()),
    "screen": screen.contains(frame), "panels": len(inside) > 8 and all(inside), "size": window.size().toTuple(),
}))
window.close()
suggester.close()
session.close()
"""


def _show(tmp_path: Path, width: int, height: int, resized: tuple[int, int] = (0, 0)) -> dict[str, object]:
    """Show the window on a screen of that size, with the settings of the time before, and return how it fits."""
    screen = {"name": "screen", "x": 0, "y": 0, "width": width, "height": height}
    dots = {"logicalDpi": 96, "logicalBaseDpi": 96, "dpr": 1}
    config = tmp_path / f"{width}.json"
    config.write_text(json.dumps({"screens": [screen | dots]}))
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "settings.ini"), *map(str, resized)],
        env=os.environ | {"QT_QPA_PLATFORM": f"offscreen:configfile={config}", "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return json.loads(run.stdout)


@pytest.mark.skipif(sys.platform == "win32", reason="the path of the configuration has a colon there")
def test_the_first_window_fits_a_small_screen(tmp_path: Path) -> None:
    shown = _show(tmp_path, 1280, 720)
    assert shown["screen"], shown
    assert shown["panels"], shown
    assert shown["dialog"], shown


@pytest.mark.skipif(sys.platform == "win32", reason="the path of the configuration has a colon there")
def test_a_window_of_a_large_screen_fits_the_small_one_of_the_next_start(tmp_path: Path) -> None:
    assert _show(tmp_path, 2560, 1440, (2400, 1300))["size"] == [2400, 1300]
    shown = _show(tmp_path, 1366, 768)
    assert shown["screen"], shown
    assert shown["panels"], shown
