"""The language of the window: the one that is chosen, and Qt's own texts in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QLibraryInfo, QLocale, QTranslator

from dataset.i18n import VARIABLE, language, languages, set_language

if TYPE_CHECKING:
    from PySide6.QtCore import QCoreApplication

    from annotator.settings import Settings

ENGLISH = "en"


def choose_language(settings: Settings) -> None:
    """Use the language that the environment variable names, else that of the settings, else the system's, else English.

    A language of the settings or the system counts only where there is a file for it. Without any file nothing is set.
    """
    there = languages()
    if os.environ.get(VARIABLE) or not there:
        return
    system = [code.replace("-", "_") for code in QLocale.system().uiLanguages()]
    wanted = (settings.language, *system)
    set_language(next((code for code in wanted if code == ENGLISH or code in there), ENGLISH))


def install_qt_translation(app: QCoreApplication) -> None:
    """Install Qt's translation of its own buttons and dialogs for the language in use, if Qt has one."""
    code = Path(language()).stem  # also of the path of a file
    translator = QTranslator(app)
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    if code and code != ENGLISH and translator.load(f"qtbase_{code}", folder):
        app.installTranslator(translator)


def native_name(code: str) -> str:
    """Return what a language is called in itself: "Deutsch" for `de`; its code where Qt does not know it."""
    if code == ENGLISH:
        return "English"  # without a country
    name = QLocale(code).nativeLanguageName() if QLocale(code).language() != QLocale.Language.C else ""
    return name[:1].upper() + name[1:] or code
