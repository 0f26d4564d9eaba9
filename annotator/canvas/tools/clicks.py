"""What clicks select, one after another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.canvas.tools.base import Pointer

ADD = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier


class Clicks:
    """Goes through the objects that lie on one another, with another click at the same place or with Alt."""

    def __init__(self) -> None:
        self._last: tuple[Pointer, int] | None = None  # the click before, and what it selected

    def forget(self) -> None:
        """Begin anew: something else has selected."""
        self._last = None

    def selection(self, at: Pointer, ids: Sequence[int], before: Sequence[int]) -> tuple[int, ...]:
        """Return what is selected by a click on the objects `ids`, the best first, with `before` selected."""
        if not ids:
            self._last = None
            return tuple(before) if at.held(ADD) else ()
        best = ids[0]
        if at.held(ADD):
            return tuple(i for i in (*before, best) if i != best or best not in before)
        selected = next((i for i in reversed(before) if i in ids), None)
        if at.held(Qt.KeyboardModifier.AltModifier) and selected is not None:
            best = _after(ids, selected)
        elif self._last is not None and not at.far_from(self._last[0]) and self._last[1] in ids:
            best = _after(ids, self._last[1])
        self._last = (at, best)
        return (best,)


def _after(ids: Sequence[int], one: int) -> int:
    return ids[(ids.index(one) + 1) % len(ids)]
