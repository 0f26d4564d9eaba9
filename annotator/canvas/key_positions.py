"""Keys by their position, for layouts whose letters are of another script, or whose digits need Shift.

Qt's shortcuts are about what a key types: with a Cyrillic layout the key of D types В, and with a French one the key of
1 types &, so that neither finds its action. Where it stands is in the native codes of the event.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from PySide6.QtCore import QKeyCombination, Qt
from PySide6.QtGui import QKeySequence

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent

_ROWS = {2: "1234567890", 16: "QWERTYUIOP[]", 30: "ASDFGHJKL;'", 44: "ZXCVBNM,./"}
"""What the keys type on a US layout, by the scan code of the first of each row: PC set 1, Linux's evdev likewise."""
_MAC = {
    0: "A", 1: "S", 2: "D", 3: "F", 4: "H", 5: "G", 6: "Z", 7: "X", 8: "C", 9: "V", 11: "B", 12: "Q", 13: "W", 14: "E",
    15: "R", 16: "Y", 17: "T", 18: "1", 19: "2", 20: "3", 21: "4", 22: "6", 23: "5", 25: "9", 26: "7", 28: "8", 29: "0",
    30: "]", 31: "O", 32: "U", 33: "[", 34: "I", 35: "P", 37: "L", 38: "J", 39: "'", 40: "K", 41: ";", 43: ",", 44: "/",
    45: "N", 46: "M", 47: ".",
}  # fmt: skip
"""The same by macOS's virtual key codes."""
_PC = {first + i: typed for first, row in _ROWS.items() for i, typed in enumerate(row)}
_X11_OFFSET = 8  # of X11's and Wayland's key codes over evdev's
_LAST_LATIN = 0x24F  # of Unicode's blocks of Latin letters
_LAST_LETTER = 0x00FF_FFFF  # Qt's keys that type nothing come after it


def by_position(event: QKeyEvent) -> QKeySequence | None:
    """Return what the keys of an event are on a US layout; None where what they type is to count."""
    typed = _us_key(event)
    is_other_script = _LAST_LATIN < event.key() <= _LAST_LETTER
    is_other_sign = typed.isdigit() and not Qt.Key.Key_0 <= event.key() <= Qt.Key.Key_9
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    if not typed or modifiers & Qt.KeyboardModifier.GroupSwitchModifier or not (is_other_script or is_other_sign):
        return None
    return QKeySequence(QKeyCombination(modifiers, Qt.Key(ord(typed))))


def matches(event: QKeyEvent, standard: QKeySequence.StandardKey) -> bool:
    """Return whether the keys are those of a standard action, by what they type or by their position."""
    return event.matches(standard) or by_position(event) in QKeySequence.keyBindings(standard)


def _us_key(event: QKeyEvent) -> str:
    if sys.platform == "darwin":
        return _MAC.get(event.nativeVirtualKey(), "")
    return _PC.get(event.nativeScanCode() - (0 if sys.platform == "win32" else _X11_OFFSET), "")
