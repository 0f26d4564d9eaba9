"""Check before the work that a command's output can be written."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from dataset.atomic_files import check_unprotected, remove_leftovers
from dataset.i18n import tr
from dataset.messages import UserError
from dataset.output_places import check_place

if TYPE_CHECKING:
    from pathlib import Path


class OutputError(UserError):
    """An output cannot be written; the text is one sentence that names it and says what to do."""


def check_output(path: Path, *, overwrite: bool = True) -> None:
    """Check that a file can be written; its contents are not changed. What a killed run has left beside it is removed.

    The folder that it is in is made where that is missing. Without `overwrite` the file must not be there yet.

    Raises:
        OutputError: It cannot.
        PlaceError: It is a photo, or in a private folder.
    """
    check_place(path)
    _check_writable(path, overwrite=overwrite)


def _check_writable(path: Path, *, overwrite: bool) -> None:
    try:
        if path.is_dir():
            raise OutputError(tr("{file} is a folder: name a file.", file=path))
        if not overwrite and path.exists():
            raise OutputError(tr("{file} is there already; --overwrite replaces it.", file=path))
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=f".{path.name}.", dir=path.parent):
            check_unprotected(path)
        remove_leftovers(path)
    except OSError as error:
        raise OutputError(
            tr("{file} cannot be written ({reason}): name another file.", file=path, reason=error.strerror)
        ) from None


def check_replaced(checkpoint: Path, state: Path, *, resume: bool, overwrite: bool) -> None:
    """Check that a training replaces neither a checkpoint nor the `state` of one that was stopped, unless told.

    Raises:
        OutputError: It would.
    """
    if state.exists() and not (resume or overwrite):
        raise OutputError(
            tr("{file} is of a run that was stopped: --resume goes on with it, --overwrite begins anew.", file=state)
        )
    _check_writable(checkpoint, overwrite=resume or overwrite)  # rounds go to the private folder
