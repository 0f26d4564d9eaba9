"""The window in a made-up language, whose every sentence stands in brackets: what has none has not been translated."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import write_po
from PySide6.QtCore import QAbstractItemModel, QAbstractListModel, QSettings, Qt, QTranslator
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QDialogButtonBox,
    QLabel,
    QLineEdit,
    QMenu,
    QMessageBox,
    QTreeWidget,
    QWidget,
)
from pytestqt.qtbot import QtBot

from annotator.core import edits
from annotator.core.annotation import Annotation, Origin
from annotator.core.training_set import ClassFact, Summary
from annotator.language import choose_language, install_qt_translation, native_name
from annotator.panels.clamped_label import ClampedLabel
from annotator.panels.color_popup import ColorPopup
from annotator.panels.dialogs.finetune_dialog import FineTuneDialog
from annotator.panels.dialogs.models_dialog import ModelFact, ModelsDialog
from annotator.panels.rows import Rows
from annotator.panels.training_panel import TrainingPanel
from annotator.panels.widgets import ElidedLabel
from annotator.settings import Settings
from annotator.window.main_window import MainWindow
from annotator.window.shortcuts_dialog import ShortcutsDialog
from dataset import i18n
from dataset.geometry import rectangle
from dataset.i18n import VARIABLE, tr
from model.protocol import Features, Start, Step
from tests.annotator import conftest
from tests.qt import find

ROOT = Path(__file__).parents[2]
KEYWORDS = {"tr": None, "plural": (1, 2), "mark": None}
PACKAGES = ("annotator", "dataset", "model")
FILES = [ROOT / "main.py", *(path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))]
NOT_TRANSLATED = {
    "Annotator", "English", "CPU", "GPU", "CUDA", "px",  # names
    "cat", "coffee", "dog", "jpg", "boat", "round", "photos",  # the person's files and classes
    "Close", "Cancel", "Float", "Clear",  # Qt's own buttons
}  # fmt: skip
KEY = re.compile(
    r"^((Ctrl|Shift|Alt|Meta)\+)*"
    r"(\w|Return|Enter|Tab|Backspace|Del|Esc|PgUp|PgDown|Up|Down|Left|Right|F\d+|\W)$"
)


@pytest.fixture
def marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every sentence of the sources in brackets."""
    catalogue = Catalog(locale="en")
    for name in FILES:
        for _, message, _, _ in extract_from_file("python", name, keywords=KEYWORDS):
            texts = [t for t in (message if isinstance(message, tuple) else (message,)) if t]
            translated = tuple(f"⟦{text}⟧" for text in texts)
            if len(texts) == 2:
                catalogue.add((texts[0], texts[1]), translated)
            elif texts:
                catalogue.add(texts[0], translated[0])
    assert len(catalogue) > 300
    file = tmp_path / "brackets.po"
    with file.open("wb") as target:
        write_po(target, catalogue)
    monkeypatch.setenv(VARIABLE, str(file))


def texts(top: QWidget) -> Iterator[tuple[str, str]]:
    """What a widget and all in it show to a person, with where."""
    for widget in (top, *top.findChildren(QWidget)):
        if widget.objectName().startswith("qt_"):
            continue  # a part of a widget of Qt's, which Qt translates
        where = f"{type(widget).__name__} {widget.objectName()}"
        for text in (widget.windowTitle(), widget.accessibleName(), widget.accessibleDescription()):
            yield where, text
        if isinstance(widget, ElidedLabel | ClampedLabel):
            yield where, widget.full_text
            continue  # what fits of it, and the tooltip, have no more
        yield where, widget.toolTip()
        if isinstance(widget, QLabel | QAbstractButton):
            yield where, widget.text()
        elif isinstance(widget, QLineEdit):
            yield where, widget.placeholderText()
        elif isinstance(widget, QComboBox):
            yield from ((where, widget.itemText(row)) for row in range(widget.count()))
        elif isinstance(widget, QMenu):
            yield where, widget.title()
        elif isinstance(widget, QTreeWidget) or (isinstance(widget, QAbstractItemView) and widget.model()):
            yield from ((where, str(text)) for text in _cells(widget.model()))
        if isinstance(widget, Rows):
            yield where, widget.empty_text
    for action in top.findChildren(QAction):
        if action.objectName().startswith("view.language."):
            continue  # each language by its own name
        yield f"action {action.objectName()}", action.text()
        yield f"action {action.objectName()}", action.toolTip()


def _cells(model: QAbstractItemModel) -> Iterator[object]:
    roles = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole)
    for column in range(1 if isinstance(model, QAbstractListModel) else model.columnCount()):
        title = model.headerData(column, Qt.Orientation.Horizontal)
        yield "" if isinstance(title, int) else title or ""
        pending = [model.index(row, column) for row in range(model.rowCount())]
        for index in pending:
            yield from (index.data(role) or "" for role in roles)
            pending += [model.index(row, column, index) for row in range(model.rowCount(index))]


def untranslated(shown: Iterator[tuple[str, str]]) -> list[str]:
    """Texts with words outside of brackets."""
    found = []
    for where, text in shown:
        rest = re.sub(r"<[^>]*>|&\w+;|\u200b", "", text)
        while rest != (inner := re.sub(r"⟦[^⟦⟧]*⟧", "", rest)):
            rest = inner
        rest = rest.rpartition("\t")[0] or rest
        keys = [part for part in rest.split(", ") if not KEY.match(part.strip())]
        words = re.findall(r"[^\W\d_]{2,}", " ".join(keys))
        if any(word not in NOT_TRANSLATED for word in words):
            found.append(f"{where}: {text}")
    return sorted(set(found))


def _annotate(window: MainWindow) -> None:
    session = window._session
    assert session.document
    category = session.categories.find("boat") or session.categories.add("boat")
    for k, origin in enumerate(Origin):
        shape = rectangle(40 + 60 * k, 40, 90 + 60 * k, 90)
        record = Annotation(session.new_id(), category.id, shape, origin=origin, score=0.5, is_crowd=k == 1)
        session.push(edits.add(session.document, (record,), tr("paste")))
    session.document.select([session.document.annotations[0].id])


@pytest.mark.usefixtures("marked")
def test_the_window_is_translated(qtbot: QtBot, start: conftest.Start, folder: Path) -> None:
    window = start()
    assert untranslated(texts(window)) == []
    session = window._session
    session.open(folder)
    qtbot.waitUntil(lambda: session.document is not None)
    _annotate(window)
    window.show_about()
    hints = set()
    for name in ("polygon", "box", "select"):
        window.action_table[f"tool.{name}"].trigger()
        for x in (5, 50, 65, 90):
            QTest.mouseMove(window.canvas.viewport(), window.canvas.camera().point_to_view(x, 60).toPoint())
            hints.add(("hint", find(window, QLabel, "status.hint").text()))
    assert len(hints) > 3
    assert untranslated(iter(hints)) == []
    assert untranslated(texts(window)) == []
    window.banner.show_message("The folder is full.", "warning")
    assert "QLabel banner.text: The folder is full." in untranslated(texts(window.banner)), "the test sees what lacks"


@pytest.mark.usefixtures("marked")
def test_dialogs_are_translated(qtbot: QtBot, start: conftest.Start) -> None:
    window = start()
    shortcuts, finetune, models = (
        ShortcutsDialog(window.action_table),
        FineTuneDialog("round 1", "auto"),
        ModelsDialog(),
    )
    colors, training = ColorPopup("#ffffff", window), TrainingPanel(lambda _name: "")
    weak, good = ModelFact("round 2", problem=tr("cannot be used")), ModelFact("round 1", after=0.2, low=0.0, high=0.2)
    models.set_models([weak, good], "round 1")
    finetune.set_summary(Summary(6, 2, (ClassFact("boat", "#ff0000", 3, is_new=True),), (), ready=True))
    for event in (
        Start(photos=6, folds=3, freeze="heads"),
        Features(1, 2),
        Step(3, share=0.5, seconds=65, remaining=9),
    ):
        training.show_event(event)
    for dialog in (shortcuts, finetune, models, training):
        qtbot.addWidget(dialog)
        dialog.show()
    for dialog in (shortcuts, finetune, models, training, colors):
        assert untranslated(texts(dialog)) == [], type(dialog).__name__
    models._ask_for_deletion()
    question = find(models, QMessageBox, "models.confirm")
    assert untranslated(iter([("", question.text()), ("", question.informativeText())])) == []
    question.button(QMessageBox.StandardButton.Cancel).click()
    qtbot.waitUntil(lambda: models.findChild(QMessageBox, "models.confirm") is None)


@pytest.fixture
def german(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A file of German, and nothing in the environment that names a language."""
    folder = tmp_path / "languages"
    folder.mkdir()
    catalogue = Catalog(locale="de")
    catalogue.add("Photos", "Bilder")
    with (folder / "de.po").open("wb") as target:
        write_po(target, catalogue)
    monkeypatch.setattr(i18n, "TRANSLATIONS", folder)
    monkeypatch.setenv(VARIABLE, "")
    i18n._catalogue.cache_clear()
    yield
    i18n._catalogue.cache_clear()
    for translator in qapp.findChildren(QTranslator):
        qapp.removeTranslator(translator)


@pytest.mark.usefixtures("german")
def test_the_language_is_chosen_in_the_menu(qtbot: QtBot, qapp: QApplication, start: conftest.Start) -> None:
    window = start()
    find(window, QAction, "view.language.de").trigger()
    assert "started again" in window.banner.text
    assert tr("Photos") == "Photos", "not before the next start"
    choose_language(window._settings)
    install_qt_translation(qapp)
    again = start()
    assert again.docks[0].windowTitle() == "Bilder"
    assert find(again, QAction, "view.language.de").isChecked()
    box = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
    qtbot.addWidget(box)
    assert box.buttons()[0].text() == "Abbrechen"
    assert native_name("de") == "Deutsch"


@pytest.mark.usefixtures("german")
def test_where_the_language_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat))
    choose_language(settings)
    assert i18n.language() == "en", "the system of the tests has no language"
    for chosen, environment, expected in (("de", "", "de"), ("fr", "", "en"), ("de", "en", "en"), ("en", "", "en")):
        settings.language = chosen
        monkeypatch.setenv(VARIABLE, environment)
        choose_language(settings)
        assert i18n.language() == expected
    shutil.rmtree(i18n.TRANSLATIONS)
    monkeypatch.setenv(VARIABLE, "")
    choose_language(settings)
    assert i18n.language() == "", "without any file there is nothing to choose"


def test_without_a_file_there_is_no_menu(
    start: conftest.Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(i18n, "TRANSLATIONS", tmp_path)
    assert start().findChild(QAction, "view.language.en") is None
