"""The colours of the window, light and dark, and the one style sheet that uses them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from string import Template
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QStyleFactory

from annotator.core.event import Event
from resources import FOLDER

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

Scheme = Literal["system", "light", "dark"]


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours as "#rrggbb". Text colours read well (WCAG AA, 4.5:1) on window, panel, raised, hover and selection."""

    name: str
    """"light" or "dark"."""
    window: str
    """Behind the docks, menu bar and status bar."""
    panel: str
    """Ground of lists and panels."""
    raised: str
    """Ground of fields and buttons."""
    hover: str
    """Ground of what the mouse is over."""
    selection: str
    """Ground of what is selected; text on it stays `text`."""
    border: str
    """Hairlines between areas."""
    outline: str
    """Edges of fields and buttons."""
    text: str
    """Text."""
    muted: str
    """Text that matters less."""
    disabled: str
    """Text and icons of what cannot be used now."""
    icon: str
    """Icons."""
    accent: str
    """The one colour: focus, progress, what is switched on, the main button."""
    accent_text: str
    """Text on the accent."""
    canvas: str
    """Around the photo."""
    success: str
    """Icons and text of what went well."""
    warning: str
    """Icons and text of warnings."""
    error: str
    """Icons and text of errors."""
    info_ground: str
    """Ground of messages that only inform."""
    warning_ground: str
    """Ground of warnings."""
    error_ground: str
    """Ground of errors."""

    @property
    def is_dark(self) -> bool:
        """Whether light text stands on dark ground."""
        return self.name == "dark"


LIGHT = Theme(
    name="light",
    window="#eff0f2",
    panel="#f8f8f9",
    raised="#ffffff",
    hover="#eceef1",
    selection="#d7e4fb",
    border="#dcdee2",
    outline="#c6c9cf",
    text="#1e2126",
    muted="#575d67",
    disabled="#a1a6ae",
    icon="#434851",
    accent="#1f62d6",
    accent_text="#ffffff",
    canvas="#d9dbdf",
    success="#1b7a47",
    warning="#8a5800",
    error="#b3261e",
    info_ground="#e3ecfc",
    warning_ground="#fcf1d9",
    error_ground="#fbe7e5",
)

DARK = Theme(
    name="dark",
    window="#1b1c1f",
    panel="#212326",
    raised="#2b2d31",
    hover="#2c2f34",
    selection="#2a3e61",
    border="#313439",
    outline="#42464d",
    text="#e3e5e8",
    muted="#a6abb3",
    disabled="#666b73",
    icon="#c6cad0",
    accent="#6aa5ff",
    accent_text="#0c1728",
    canvas="#141517",
    success="#62cc92",
    warning="#edb84c",
    error="#ff938a",
    info_ground="#233250",
    warning_ground="#3a3019",
    error_ground="#412527",
)

changed: Event[[]] = Event()
"""After the theme became another one, whether by `apply` or because the system's changed."""


class _Applied:
    """What the application looks like now. There is one application, hence one of these."""

    def __init__(self) -> None:
        self.theme = LIGHT
        self.scheme: Scheme = "system"
        self.app: QApplication | None = None

    def refresh(self) -> None:
        """Put on the theme that the scheme and the system ask for."""
        if self.app is None:
            return
        dark = self.app.styleHints().colorScheme() is Qt.ColorScheme.Dark if self.scheme == "system" else None
        theme = DARK if dark or self.scheme == "dark" else LIGHT
        if theme is not self.theme or not self.app.styleSheet():
            self.theme = theme
            self.app.setPalette(palette(theme))
            self.app.setStyleSheet(style_sheet(theme))
            changed.emit()


_applied = _Applied()


def current() -> Theme:
    """Return the colours to paint with now."""
    return _applied.theme


def apply(app: QApplication, scheme: Scheme = "system") -> None:
    """Dress the application, now and whenever the system's scheme changes while `scheme` is "system"."""
    hints = app.styleHints()
    if _applied.app is not app:
        app.setStyle(QStyleFactory.create("Fusion"))
        hints.colorSchemeChanged.connect(_applied.refresh)
        _applied.app = app
    _applied.scheme = scheme
    asked = {"system": Qt.ColorScheme.Unknown, "light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}
    hints.setColorScheme(asked[scheme])  # so that the system's own frames and dialogs go along
    _applied.refresh()


def mix(a: str, b: str, share: float) -> str:
    """Return the colour `share` of the way from a to b, as "#rrggbb"."""
    channels = ((int(a[i : i + 2], 16), int(b[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(x + (y - x) * share):02x}" for x, y in channels)


def palette(theme: Theme) -> QPalette:
    """Return the theme for what Qt's own style paints."""
    role = QPalette.ColorRole
    colors = {
        role.Window: theme.window,
        role.Base: theme.panel,
        role.AlternateBase: theme.hover,
        role.Button: theme.raised,
        role.Light: theme.raised,
        role.Midlight: theme.hover,
        role.Mid: theme.outline,
        role.Dark: theme.outline,
        role.Shadow: theme.border,
        role.WindowText: theme.text,
        role.Text: theme.text,
        role.ButtonText: theme.text,
        role.BrightText: theme.error,
        role.PlaceholderText: theme.muted,
        role.Highlight: theme.selection,
        role.HighlightedText: theme.text,
        role.Accent: theme.accent,
        role.Link: theme.accent,
        role.LinkVisited: theme.accent,
        role.ToolTipBase: theme.raised,
        role.ToolTipText: theme.text,
    }
    made = QPalette()
    for which, color in colors.items():
        made.setColor(which, QColor(color))
    for which in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        made.setColor(QPalette.ColorGroup.Disabled, which, QColor(theme.disabled))
    return made


def style_sheet(theme: Theme) -> str:
    """Return the style sheet in the theme's colours."""
    icons = (FOLDER / "icons").as_posix()
    return _STYLE.substitute(asdict(theme), pressed=mix(theme.hover, theme.text, 0.08), icons=icons)


def color_names() -> tuple[str, ...]:
    """Return the names of the theme's colours."""
    return tuple(f.name for f in fields(Theme) if f.name != "name")


_STYLE = Template("""
QToolTip { color: $text; background: $raised; border: 1px solid $outline; padding: 4px 6px; }
QLabel[tone="muted"] { color: $muted; }
QLabel[tone="warning"] { color: $warning; }
QLabel[tone="error"] { color: $error; }
QLabel[tone="accent"] { color: $accent; }
QLabel[tone="title"] { font-weight: 600; }
QWidget[tone="panel"] { background: $panel; }

QMainWindow::separator { background: $border; width: 1px; height: 1px; }
QMainWindow::separator:hover { background: $accent; }
QDockWidget { titlebar-close-icon: url("$icons/flat-close.svg"); titlebar-normal-icon: url("$icons/flat-float.svg"); }
QDockWidget::title { background: $panel; padding: 8px 8px 6px 8px; text-align: left; }
QDockWidget::close-button, QDockWidget::float-button { border: none; border-radius: 4px; padding: 0;
    icon-size: 14px; width: 18px; height: 18px; subcontrol-position: right center; }
QDockWidget::close-button { right: 6px; }
QDockWidget::float-button { right: 28px; }
QDockWidget::close-button:hover, QDockWidget::float-button:hover { background: $hover; }
QDockWidget > QWidget { background: $panel; }
QStatusBar { background: $window; color: $muted; }
QStatusBar::item { border: none; }

QMenuBar { background: $window; padding: 2px 4px; }
QMenuBar::item { padding: 4px 8px; border-radius: 4px; background: transparent; }
QMenuBar::item:selected { background: $hover; }
QMenu { background: $raised; border: 1px solid $outline; padding: 4px; }
QMenu::item { padding: 5px 28px 5px 8px; border-radius: 4px; }
QMenu::item:selected { background: $selection; }
QMenu::item:disabled { color: $disabled; }
QMenu::icon { padding-left: 6px; }
QMenu::indicator { width: 14px; height: 14px; left: 6px; }
QMenu::indicator:checked { image: url("$icons/flat-check.svg"); }
QMenu::separator { height: 1px; background: $border; margin: 4px 8px; }

QToolBar { background: $panel; border: none; padding: 4px; spacing: 2px; }
QToolBar::separator { background: $border; margin: 4px; width: 1px; height: 1px; }
QToolButton { border: 1px solid transparent; border-radius: 4px; padding: 3px; }
QToolBar QToolButton { padding: 1px 3px; }
QToolButton:hover { background: $hover; }
QToolButton:pressed { background: $pressed; }
QToolButton:checked { background: $selection; }
QToolButton:focus { border-color: $accent; }
QToolButton[tone="chip"] { background: $hover; border-radius: 9px; padding: 1px 6px 1px 4px; }
QToolButton[tone="chip"]:hover { background: $pressed; }

/* The system's icons follow its own theme, and may be black on black. */
QDialogButtonBox, QMessageBox { dialogbuttonbox-buttons-have-icons: 0; }
QLineEdit { lineedit-clear-button-icon: url("$icons/flat-close.svg"); }
QToolBarExtension { qproperty-icon: url("$icons/flat-chevron.svg"); padding: 0; }

QPushButton { background: $raised; border: 1px solid $outline; border-radius: 5px; padding: 4px 12px;
    min-height: 18px; }
QPushButton:hover { background: $hover; }
QPushButton:pressed { background: $pressed; }
QPushButton:disabled { color: $disabled; border-color: $border; }
QPushButton:default, QPushButton[tone="accent"] { background: $accent; border-color: $accent; color: $accent_text; }
QPushButton:focus { border: 1px solid $accent; }
QPushButton:default:focus, QPushButton[tone="accent"]:focus { border: 1px solid $text; }
QPushButton:default:disabled, QPushButton[tone="accent"]:disabled { background: $hover; border-color: $border;
    color: $disabled; }
QPushButton[tone="flat"] { background: transparent; border-color: transparent; padding: 3px 8px; text-align: left; }
QPushButton[tone="flat"]:hover { background: $hover; }
QPushButton[tone="flat"]:focus { border-color: $accent; }

QPlainTextEdit { background: $raised; border: 1px solid $outline; border-radius: 5px; padding: 1px 2px;
    selection-background-color: $accent; selection-color: $accent_text; }
QPlainTextEdit:focus { border-color: $accent; }
QPlainTextEdit:disabled { color: $disabled; border-color: $border; }
QLineEdit, QComboBox { background: $raised; border: 1px solid $outline; border-radius: 5px; padding: 3px 6px;
    min-height: 18px; selection-background-color: $accent; selection-color: $accent_text; }
QLineEdit:focus, QComboBox:focus { border-color: $accent; }
QLineEdit:disabled, QComboBox:disabled { color: $disabled; border-color: $border; }
QLineEdit[tone="error"], QLineEdit[tone="error"]:focus { border-color: $error; }
QLineEdit[tone="search"] { padding: 3px 2px; }
QLineEdit QToolButton { border: none; padding: 0; background: transparent; }
QComboBox:hover { background: $hover; }
QComboBox::drop-down { border: none; width: 20px; }
QComboBox::down-arrow { image: url("$icons/flat-chevron.svg"); width: 12px; height: 12px; }
QComboBox QAbstractItemView { background: $raised; border: 1px solid $outline; padding: 4px; outline: none;
    selection-background-color: $selection; selection-color: $text; }
QComboBox QAbstractItemView::item { min-height: 24px; padding: 0 4px; }

QCheckBox { spacing: 8px; }
QCheckBox::indicator { width: 14px; height: 14px; border: 1px solid $outline; border-radius: 3px; background: $raised; }
QCheckBox::indicator:hover, QCheckBox::indicator:focus { border-color: $accent; }
QCheckBox::indicator:checked { image: url("$icons/flat-check.svg"); }
QRadioButton { spacing: 8px; }
QRadioButton::indicator { width: 14px; height: 14px; border: 1px solid $outline; border-radius: 8px;
    background: $raised; }
QRadioButton::indicator:hover, QRadioButton::indicator:focus { border-color: $accent; }
QRadioButton::indicator:checked { background: $accent; border: 4px solid $raised; width: 8px; height: 8px; }

QTableView[tone="rows"] { background: $panel; border: none; outline: none; selection-background-color: transparent; }

QTreeWidget { background: $panel; border: 1px solid $border; outline: none; selection-background-color: $selection;
    selection-color: $text; }
QHeaderView { background: $panel; }
QHeaderView::section { background: $panel; color: $muted; border: none; border-bottom: 1px solid $border;
    padding: 4px 12px 4px 6px; }

QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: $outline; border-radius: 3px; margin: 2px; }
QScrollBar::handle:vertical { min-height: 28px; }
QScrollBar::handle:horizontal { min-width: 28px; }
QScrollBar::handle:hover { background: $disabled; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QSlider { min-height: 20px; }
QSlider::groove:horizontal { height: 4px; border-radius: 2px; background: $outline; }
QSlider::sub-page:horizontal { height: 4px; border-radius: 2px; background: $accent; }
QSlider::sub-page:horizontal:disabled { background: $outline; }
QSlider::handle:horizontal { width: 12px; height: 12px; margin: -5px 0; border-radius: 7px;
    background: $raised; border: 1px solid $disabled; }
QSlider::handle:horizontal:hover { border-color: $accent; }
QSlider::handle:horizontal:focus { border: 2px solid $accent; width: 10px; height: 10px; }

QProgressBar { background: $outline; border: none; border-radius: 2px; max-height: 4px; min-height: 4px; }
QProgressBar::chunk { background: $accent; border-radius: 2px; }
""")
