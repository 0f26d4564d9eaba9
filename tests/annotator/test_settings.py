from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtWidgets import QApplication

from annotator.settings import DEFAULT_THRESHOLD, RECENT, Settings


def _settings(tmp_path: Path) -> tuple[Settings, QSettings]:
    q = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    return Settings(q), q


def test_recent_folders_are_the_last_ones_first_without_doubles(qapp: QApplication, tmp_path: Path) -> None:
    settings, _ = _settings(tmp_path)
    folders = [tmp_path / str(i) for i in range(RECENT + 3)]
    for folder in [*folders, folders[4]]:
        settings.add_recent(folder)
    assert settings.recent[:3] == [folders[4], folders[-1], folders[-2]]
    assert len(settings.recent) == RECENT


def test_what_was_set_is_there_after_a_restart(qapp: QApplication, tmp_path: Path) -> None:
    settings, q = _settings(tmp_path)
    settings.set_last_photo(tmp_path / "x/y", "sub/1.jpg")
    settings.threshold = 0.35
    settings.set_flag("show_names", value=False)
    settings.set_layout("state", QByteArray(b"\x00\x01"))
    settings.set_shortcut("image.next", "F5")
    q.sync()
    again, _ = _settings(tmp_path)
    assert again.last_photo(tmp_path / "x/y") == "sub/1.jpg"
    assert again.last_photo(tmp_path / "x") == ""
    assert again.threshold == 0.35
    assert again.flag("show_names", default=True) is False
    assert again.layout("state") == QByteArray(b"\x00\x01")
    assert again.shortcut("image.next") == "F5"
    again.set_shortcut("image.next", None)
    assert again.shortcut("image.next") is None


def test_nonsense_counts_as_absent(qapp: QApplication, tmp_path: Path) -> None:
    settings, q = _settings(tmp_path)
    q.setValue("threshold", "high")
    q.setValue("layout/state", "text")
    assert settings.threshold == DEFAULT_THRESHOLD
    assert settings.layout("state").isEmpty()
