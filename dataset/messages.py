"""Sentences meant for people, and the error that carries one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataset.i18n import plural, tr

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_NAMED = 3
"""Names in a list before the rest is only counted."""


class UserError(Exception):
    """Something that a person can mend; its text is one clear sentence that names what is wrong and what to do.

    Every error whose text is shown to a person derives from it, so that a command or a window catches one name.
    """


def listing(names: Sequence[str], limit: int = MAX_NAMED) -> str:
    """Return names as people list them: "a", "a and b", "a, b, c and 4 more"."""
    shown, rest = list(names[:limit]), len(names) - limit
    if rest > 0:
        return tr("{names} and {n:,} more", names=", ".join(shown), n=rest)
    if len(shown) < 2:
        return "".join(shown)
    return tr("{names} and {last}", names=", ".join(shown[:-1]), last=shown[-1])


def duration(seconds: float) -> str:
    """Return a length of time in a few letters: "40 s", "6 min", "1.5 h"."""
    whole = max(round(seconds), 0)
    if whole < 90:
        return tr("{n} s", n=whole)
    return tr("{n} min", n=round(whole / 60)) if whole < 5400 else tr("{n:.1f} h", n=whole / 3600)


def counted_photos(n: int) -> str:
    """Return "1 photo" or "12 photos"."""
    return plural("{n:,} photo", "{n:,} photos", n)


def os_reason(error: OSError) -> str:
    """Return why the system refused, without a number or a file name: "no space left on device"."""
    return (error.strerror or str(error) or type(error).__name__).lower()
