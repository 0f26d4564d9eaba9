"""The submenus in which one of several is chosen: looks, the language, what becomes of overlaps."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu

from annotator.core.no_overlap import OverlapRule
from annotator.language import ENGLISH, native_name
from dataset.i18n import languages, tr

Value = TypeVar("Value", bound=str)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from PySide6.QtWidgets import QWidget

    from annotator.theme import Scheme
    from annotator.window.coloring import ColorBy


def scheme_menu(parent: QWidget, chosen: Scheme, choose: Callable[[Scheme], object]) -> QMenu:
    """Return the menu of the light and the dark theme."""
    schemes: list[tuple[Scheme, str]] = [("system", tr("System")), ("light", tr("Light")), ("dark", tr("Dark"))]
    menu = QMenu(tr("&Theme"), parent)
    _fill(menu, "view.theme", schemes, chosen, choose)
    return menu


def color_menu(parent: QWidget, chosen: ColorBy, choose: Callable[[ColorBy], object]) -> QMenu:
    """Return the menu of what colours mean."""
    meanings: list[tuple[ColorBy, str]] = [("class", tr("&Class")), ("object", tr("&Object"))]
    menu = QMenu(tr("&Colour by"), parent)
    _fill(menu, "view.color", meanings, chosen, choose)
    return menu


def language_menu(parent: QWidget, chosen: str, choose: Callable[[str], object]) -> QMenu:
    """Return the menu of the languages, each by its own name; "" is the system's."""
    items = [("", tr("System")), (ENGLISH, native_name(ENGLISH))]
    items += [(code, native_name(code)) for code in languages() if code != ENGLISH]
    menu = QMenu(tr("&Language"), parent)
    _fill(menu, "view.language", items, chosen, choose)
    return menu


def overlap_menu(parent: QWidget, chosen: OverlapRule, choose: Callable[[OverlapRule], object]) -> QMenu:
    """Return the menu of what becomes of overlaps."""
    rules = [
        (OverlapRule.OFF, tr("&Allowed")),
        (OverlapRule.YIELD, tr("New outlines &yield to their neighbours")),
        (OverlapRule.CUT, tr("New outlines &cut their neighbours")),
    ]
    menu = QMenu(tr("&Overlap"), parent)
    _fill(menu, "object.overlap", rules, chosen, choose)
    return menu


def _fill(
    menu: QMenu, name: str, items: Iterable[tuple[Value, str]], chosen: str, choose: Callable[[Value], object]
) -> None:
    group = QActionGroup(menu)
    for value, text in items:
        action = menu.addAction(text)
        action.setObjectName(f"{name}.{value or 'system'}")
        action.setCheckable(True)
        action.setChecked(value == chosen)
        action.triggered.connect(lambda _on=False, v=value: choose(v))
        group.addAction(action)
