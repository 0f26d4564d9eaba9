"""The theme: readable in light and dark, put on at once, following the system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QDialogButtonBox, QMessageBox, QProxyStyle, QStyle, QStyleFactory

from annotator import theme

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PySide6.QtWidgets import QApplication
    from pytestqt.qtbot import QtBot


@pytest.fixture(autouse=True)
def _as_before(qapp: QApplication) -> Iterator[None]:
    yield
    theme.apply(qapp, "light")


def _luminance(color: str) -> float:
    """Relative luminance after WCAG 2.2."""
    channels = [c / 255 for c in QColor(color).getRgb()[:3]]  # type: ignore[index]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a: str, b: str) -> float:
    light, dark = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colors", [theme.LIGHT, theme.DARK], ids=lambda t: t.name)
@pytest.mark.parametrize("ground", ["window", "panel", "raised", "hover", "selection"])
@pytest.mark.parametrize("text", ["text", "muted"])
def test_text_is_readable_on_every_ground(colors: theme.Theme, ground: str, text: str) -> None:
    assert contrast(getattr(colors, text), getattr(colors, ground)) >= 4.5


@pytest.mark.parametrize("colors", [theme.LIGHT, theme.DARK], ids=lambda t: t.name)
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("accent_text", "accent"),
        ("accent", "panel"),
        ("text", "canvas"),
        ("muted", "canvas"),
        ("error", "panel"),
        ("warning", "panel"),
        ("error", "error_ground"),
        ("warning", "warning_ground"),
        ("accent", "info_ground"),
        ("text", "error_ground"),
        ("text", "warning_ground"),
        ("text", "info_ground"),
        ("muted", "error_ground"),
        ("muted", "warning_ground"),
        ("muted", "info_ground"),
    ],
)
def test_coloured_text_is_readable(colors: theme.Theme, text: str, ground: str) -> None:
    assert contrast(getattr(colors, text), getattr(colors, ground)) >= 4.5


@pytest.mark.parametrize("colors", [theme.LIGHT, theme.DARK], ids=lambda t: t.name)
@pytest.mark.parametrize("what", ["icon", "success", "warning", "accent"])
def test_icons_stand_out_on_every_ground(colors: theme.Theme, what: str) -> None:
    assert min(contrast(getattr(colors, what), getattr(colors, g)) for g in ("panel", "hover", "selection")) >= 3


def test_apply_dresses_the_application(qapp: QApplication) -> None:
    theme.apply(qapp, "light")
    seen: list[str] = []

    def note() -> None:
        seen.append(theme.current().name)

    theme.changed.connect(note)
    try:
        theme.apply(qapp, "dark")
        theme.apply(qapp, "dark")
        assert theme.current() is theme.DARK
        assert qapp.palette().color(QPalette.ColorRole.Window).name() == theme.DARK.window
        assert theme.DARK.accent in qapp.styleSheet()
        theme.apply(qapp, "light")
        assert qapp.palette().color(QPalette.ColorRole.Window).name() == theme.LIGHT.window
    finally:
        theme.changed.disconnect(note)
    assert seen == ["dark", "light"]


def test_system_scheme_is_followed_only_when_asked(qapp: QApplication) -> None:
    theme.apply(qapp, "dark")
    qapp.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert theme.current() is theme.DARK
    theme.apply(qapp, "system")
    dark = qapp.styleHints().colorScheme() is Qt.ColorScheme.Dark
    assert theme.current() is (theme.DARK if dark else theme.LIGHT)


def test_mix() -> None:
    assert theme.mix("#000000", "#ffffff", 0.5) == "#808080"
    assert theme.mix("#102030", "#ffffff", 0) == "#102030"


def test_the_style_sheet_names_no_missing_file(qapp: QApplication) -> None:
    import re
    from pathlib import Path

    files = re.findall(r'url\("([^"]+)"\)', theme.style_sheet(theme.LIGHT))
    assert len(files) >= 4
    assert all(Path(file).is_file() for file in files)


class _WithIcons(QProxyStyle):
    """A desktop whose dialogs have icons on their buttons, which know nothing of our dark theme."""

    def styleHint(self, hint: QStyle.StyleHint, /, *of: Any, **named: Any) -> int:
        return (
            1 if hint is QStyle.StyleHint.SH_DialogButtonBox_ButtonsHaveIcons else super().styleHint(hint, *of, **named)
        )


def test_no_button_has_an_icon_of_the_systems_theme(qapp: QApplication, qtbot: QtBot) -> None:
    qapp.setStyle(_WithIcons("Fusion"))
    try:
        schemes: tuple[theme.Scheme, ...] = ("dark", "light")
        for scheme in schemes:
            theme.apply(qapp, scheme)
            box = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
            question = QMessageBox(QMessageBox.Icon.Question, "Annotator", "Sure?", QMessageBox.StandardButton.Cancel)
            for widget in (box, question):
                qtbot.addWidget(widget)
                widget.show()
                assert all(button.icon().isNull() for button in widget.buttons())
    finally:
        qapp.setStyle(QStyleFactory.create("Fusion"))
