from __future__ import annotations

import gc
import threading
import weakref
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from annotator.garbage_collection import collect_due, collect_in_gui_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytestqt.qtbot import QtBot


class _Panel(QWidget):
    """A widget that is garbage once nobody has it, of the kind that only the collector finds."""

    def __init__(self) -> None:
        super().__init__()
        self.itself = self
        self.label = QLabel("text")
        QVBoxLayout(self).addWidget(self.label)


@pytest.fixture
def collector(qtbot: QtBot) -> Iterator[QObject]:
    """The program's collector; by itself Python's would be on."""
    del qtbot
    gc.enable()
    parent = QObject()
    collect_in_gui_thread(parent)
    yield parent
    gc.disable()


def test_a_widget_is_collected_in_the_gui_thread_alone(qtbot: QtBot, collector: QObject) -> None:
    gc.collect()
    left = weakref.ref(_Panel())
    made: list[list[object]] = []
    busy = threading.Thread(target=lambda: made.extend([] for _ in range(100_000)))
    busy.start()
    busy.join()
    assert len(made) == 100_000
    assert left() is not None, "a thread that made that many objects collected it"
    del made[:]

    def make() -> bool:
        made.extend([] for _ in range(2 * gc.get_threshold()[0]))
        return left() is None

    qtbot.waitUntil(make, timeout=20_000)
    assert collector is not None


def test_the_oldest_generation_that_is_due_is_collected() -> None:
    gc.collect()
    left = weakref.ref(_cycle())
    collect_due()
    assert left() is not None, "nothing is due"
    kept = [[] for _ in range(2 * gc.get_threshold()[0])]
    collect_due()
    assert left() is None
    assert gc.get_count()[0] < len(kept)


def _cycle() -> QObject:
    found = QObject()
    found.itself = found  # type: ignore[attr-defined]
    return found
