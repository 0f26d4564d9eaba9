from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.annotator.conftest import Start


def test_snapping_is_off_at_first_switched_by_its_key_and_remembered(start: Start) -> None:
    window = start()
    action = window.action_table["edit.snap"]
    assert (window.canvas.snaps, action.isChecked()) == (False, False)
    QTest.keyClick(window, Qt.Key.Key_S, Qt.KeyboardModifier.ShiftModifier)
    assert (window.canvas.snaps, action.isChecked()) == (True, True)
    again = start()
    assert (again.canvas.snaps, again.action_table["edit.snap"].isChecked()) == (True, True)
