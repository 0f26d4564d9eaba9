"""Where nothing is written that a person may name: over photos, and in the private folders of projects."""

from __future__ import annotations

import os
from pathlib import Path

from dataset.i18n import tr
from dataset.messages import UserError
from dataset.pictures.images import SUFFIXES

PRIVATE = ".annotator"
"""A project's folder beside its photos, whose files are the application's own."""


class PlaceError(UserError):
    """A file or a folder that a person named must not be written; the text is one sentence that names it."""


def check_place(target: Path) -> None:
    """Check that a file or a folder to write is no photo and in no private folder, whether or not it may be replaced.

    Raises:
        PlaceError: It is.
    """
    if any(part.casefold() == PRIVATE for part in Path(os.path.realpath(target)).parts):
        text = tr("{file} is in {folder}, a project's private folder; choose another place.", file=target,
                  folder=PRIVATE)  # fmt: skip
        raise PlaceError(text)
    if target.suffix.lower() in SUFFIXES and os.path.isfile(target):  # noqa: PTH113 - raises nothing
        raise PlaceError(tr("{file} is a picture, and none is written over; choose another place.", file=target))
