"""Numbers on the command line: types for argparse that say in a sentence what an option takes."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def whole(least: int, most: float | None = None) -> Callable[[str], int]:
    """Return what reads a whole number from `least` to `most`, or of any size when `most` is None."""
    limits = f"of {least} or more" if most is None else f"from {least} to {most}"

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least or (most is not None and value > most):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number {limits}")
        return value

    return read


def positive(most: float) -> Callable[[str], float]:
    """Return what reads a number above 0, `most` at most."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0 < value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0 and up to {most}")
        return value

    return read
