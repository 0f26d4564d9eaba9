"""Figures as people read them."""

from __future__ import annotations


def figure(precision: float | None) -> str:
    """An average precision, which lies between 0 and 1, with the digits that count; a dash where there is none."""
    return "–" if precision is None or not 0 <= precision <= 1 else f"{precision:.3f}"


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its word: "1 photo", "12 photos"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
