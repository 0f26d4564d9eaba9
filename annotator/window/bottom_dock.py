"""Docks that are made when they are first needed: at the foot of the window, unless a person puts them elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget

if TYPE_CHECKING:
    from PySide6.QtWidgets import QMainWindow, QMenu, QWidget


def add_bottom_dock(window: QMainWindow, menu: QMenu, name: str, title: str, panel: QWidget) -> QDockWidget:
    """Return a new dock `dock.NAME` with a panel, where it was when the window closed last, and listed in a menu."""
    dock = QDockWidget(title, window)
    dock.setObjectName(f"dock.{name}")
    dock.setWidget(panel)
    # The right panels keep their height; the list of photos can do with less.
    window.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
    window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, dock)
    window.restoreDockWidget(dock)
    toggle = dock.toggleViewAction()
    toggle.setObjectName(f"view.dock.{name}")
    menu.addAction(toggle)
    return dock
