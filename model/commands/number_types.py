"""Types of argparse for bounded numbers, with error messages that name the bounds."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable


def whole(minimum: int, maximum: float | None = None) -> Callable[[str], int]:
    """Return the parser of a whole number from `minimum` to `maximum`, or of any size when `maximum` is None."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = minimum - 1
        if maximum is None and value < minimum:
            message = tr("{text!r} is not a whole number of {minimum} or more", text=text, minimum=minimum)
            raise argparse.ArgumentTypeError(message)
        if maximum is not None and not minimum <= value <= maximum:
            message = tr(
                "{text!r} is not a whole number from {minimum} to {maximum}",
                text=text,
                minimum=minimum,
                maximum=maximum,
            )
            raise argparse.ArgumentTypeError(message)
        return value

    return read


def positive(maximum: float) -> Callable[[str], float]:
    """Return the parser of a number above 0, up to `maximum`."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0 < value <= maximum:
            message = tr("{text!r} is not a number above 0 and up to {maximum}", text=text, maximum=maximum)
            raise argparse.ArgumentTypeError(message)
        return value

    return read
