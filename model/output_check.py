"""Whether a command's output can be written, asked before the work rather than after it."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from dataset.messages import UserError

if TYPE_CHECKING:
    from pathlib import Path


class OutputError(UserError):
    """An output cannot be written; the text is one sentence that names it and says what to do."""


def check_output(path: Path, *, make_folder: bool = False) -> None:
    """Try whether a file can be written; whatever is there stays as it is.

    Args:
        path: The file.
        make_folder: Make the folder that it is in, where that is missing, rather than refuse.

    Raises:
        OutputError: It cannot.
    """
    advice = "name another file with --output"
    try:
        if path.is_dir():
            raise OutputError(f"{path} is a folder: name a file with --output.")
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        if not path.parent.is_dir():
            raise OutputError(f"The folder {path.parent} does not exist: make it, or {advice}.")
        with tempfile.NamedTemporaryFile(prefix=f".{path.name}.", dir=path.parent):
            pass
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}): {advice}.") from None
