"""How far a command is: a plain line on standard error now and then, in a terminal or a file."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, TypeVar

from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

T = TypeVar("T")

PROGRESS_STEP = 1000
"""Photos from one line to the next; fewer than two lines' worth are done before anybody waits."""
PROGRESS_SECONDS = 5.0
"""From one line to the next of what is counted in shares."""


def print_progress(number: int, total: int) -> None:
    """Print a line if `number` of `total` photos is one of those that get one."""
    if number % PROGRESS_STEP == 0 and total > PROGRESS_STEP:
        text = tr("{n:,} of {total:,} photos", n=number, total=total)
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - what a command is for


def with_progress(items: Sequence[T]) -> Iterator[T]:
    """Yield the items, with a line for people now and then."""
    for number, item in enumerate(items, 1):
        print_progress(number, len(items))
        yield item


class ShareLines:
    """An `OnProgress` that prints which share is done, with a line now and then."""

    def __init__(self) -> None:
        self._told = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Print a line if it is time for one."""
        if total and time.monotonic() - self._told >= PROGRESS_SECONDS:
            self._told = time.monotonic()
            text = tr("{share:.0%} done", share=min(1.0, done / total))
            print(text, file=sys.stderr, flush=True)  # noqa: T201 - what a command is for


def print_shares(steps: Iterable[int], total: int) -> None:
    """Do all of something that yields how many steps of `total` are done, with a line now and then."""
    show = ShareLines()
    for done in steps:
        show(done, total)
