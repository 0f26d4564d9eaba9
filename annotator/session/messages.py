"""What the session's messages are about, and the sentences that are put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataset.i18n import tr
from dataset.messages import listing

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER, PHOTO, SKIPPED, SAVING, HIDDEN = "folder", "photo", "skipped", "saving", "hidden"
"""Topics, so that messages can be taken back when they no longer hold."""


def photo_unreadable(photo: str, reason: str) -> str:
    """Return what is shown in place of a photo that cannot be read."""
    return tr("{photo} cannot be shown: {reason}", photo=photo, reason=reason)


def photos_skipped(photos: Sequence[str], reason: str) -> str:
    """Return what is shown for photos passed over because they cannot be read, the last of them for this reason."""
    if len(photos) == 1:
        return photo_unreadable(photos[0], reason)
    return tr("{photos} cannot be shown; the list says why.", photos=listing(photos))


def nothing_left_to_do(*, filtered: bool) -> str:
    """Return what is shown where every other photo of the list is done."""
    if filtered:
        return tr("Every other photo that matches the filter is done.")
    return tr("Every other photo is done.")


def size_differs(photo: str, size: tuple[int, int], other: tuple[int, int]) -> str:
    """Return what is shown where a photo's annotations were made for another (width, height)."""
    return tr(
        "{photo} is {size} pixels, but its annotations were made for {other}: check that they fit.",
        photo=photo,
        size=f"{size[0]} × {size[1]}",
        other=f"{other[0]} × {other[1]}",
    )
