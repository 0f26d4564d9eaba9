"""What the session's messages are about, and the sentences that are put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataset.i18n import tr
from dataset.messages import listing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from annotator.core.store.store import Store

FOLDER, PHOTO, SKIPPED, SAVING, HIDDEN, LATE = "folder", "photo", "skipped", "saving", "hidden", "late"
"""Topics, so that messages can be taken back when they no longer hold."""


def photo_unreadable(photo: str, reason: str) -> str:
    """Return what is shown in place of a photo that cannot be read."""
    return tr("{photo} cannot be shown: {reason}", photo=photo, reason=reason)


def photos_skipped(photos: Sequence[str], reason: str) -> str:
    """Return what is shown for photos passed over because they cannot be read, the last of them for this reason."""
    if len(photos) == 1:
        return photo_unreadable(photos[0], reason)
    return tr("{photos} cannot be shown; the list says why.", photos=listing(photos))


def nothing_left_to_do(*, filtered: bool, skipped: bool) -> str:
    """Return what is shown where every other photo of the list is done, or skipped where some are."""
    if skipped:
        return tr("Every other photo of the list is done or skipped.")
    if filtered:
        return tr("Every other photo that matches the filter is done.")
    return tr("Every other photo is done.")


def listing_late(folder: Path) -> str:
    """Return what is shown while a folder that was asked for has not been listed for long."""
    return tr("{folder} has not answered yet: its disk may hang. It is opened once it does.", folder=folder)


def opening_late(folder: Path) -> str:
    """Return what is shown while the annotations of a folder have not been opened for long."""
    return tr(
        "The annotations of {folder} are still being opened: its disk may hang. "
        "Photos can be looked at until they are there.",
        folder=folder,
    )


def edits_kept(store: Store) -> str:
    """Return where the edits are that the COCO file of a project does not have."""
    if store.is_kept:
        return tr(
            "What you did last on {photos} is noted down in {place}, and is there again when the folder is opened "
            "the next time.",
            photos=_named(store.unsaved_photos),
            place=store.private_folder,
        )
    if store.copy:
        return tr("All annotations are in {copy}, where you saved them.", copy=store.copy)
    return tr("What you did last on {photos} is only in this window.", photos=_named(store.unkept_photos))


def edits_left_behind(store: Store) -> str:
    """Return what became of the edits that a disk had not taken when the application ended."""
    if store.is_kept or store.copy:
        text = tr("{file} could not be written in time.", file=store.file)
        return f"{text} {edits_kept(store)}"
    return tr(
        "What you did last on {photos} is lost: it could not be written in time, neither to {file} nor to {place}.",
        photos=_named(store.unkept_photos),
        file=store.file,
        place=store.private_folder,
    )


def _named(photos: Sequence[str]) -> str:
    """Return photos as people list them; "" stands for the classes."""
    return listing([name or tr("the classes") for name in photos]) or tr("some photos")


def no_photos(folder: str, *, has_hidden: bool) -> str:
    """Return that a folder has no photos, or none but hidden ones."""
    if has_hidden:
        return tr(
            "{folder} has only hidden photos: names that begin with a dot are not listed. "
            "Rename them, or open another folder.",
            folder=folder,
        )
    return tr("There are no photos in {folder}. Open another folder, or drop one here.", folder=folder)
