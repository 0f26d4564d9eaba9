"""Figures as people read them."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """A length of time in a few letters: "40 s", "6 min", "1.5 h"."""
    whole = max(round(seconds), 0)
    if whole < 90:
        return f"{whole} s"
    return f"{round(whole / 60)} min" if whole < 5400 else f"{whole / 3600:.1f} h"


def figure(precision: float | None) -> str:
    """An average precision, which lies between 0 and 1, with the digits that count; a dash where there is none."""
    return "–" if precision is None or not 0 <= precision <= 1 else f"{precision:.3f}"


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its word: "1 photo", "12 photos"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
