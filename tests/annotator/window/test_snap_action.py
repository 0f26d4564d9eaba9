from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.annotator.conftest import Start


@pytest.mark.parametrize(("name", "flag", "key"), [("edit.snap", "snaps", "S"), ("edit.magnetic", "is_magnetic", "E")])
def test_it_is_off_at_first_switched_by_its_key_and_remembered(start: Start, name: str, flag: str, key: str) -> None:
    window = start()
    action = window.action_table[name]
    assert (getattr(window.canvas, flag), action.isChecked()) == (False, False)
    QTest.keyClick(window, Qt.Key(ord(key)), Qt.KeyboardModifier.ShiftModifier)
    assert (getattr(window.canvas, flag), action.isChecked()) == (True, True)
    again = start()
    assert (getattr(again.canvas, flag), again.action_table[name].isChecked()) == (True, True)
