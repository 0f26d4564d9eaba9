"""A project's annotations, opened for the length of a command."""

from __future__ import annotations

import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from annotator.core.store.store import Store
from dataset.i18n import tr
from dataset.messages import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def open_store(folder: Path, file: Path | None, *, writes: bool) -> Iterator[Store]:
    """Open a project, print its warnings, and close it with everything written.

    Raises:
        UserError: `writes` is true, and the folder cannot be written to.
        FolderError, CocoError, StoreError: as for `Store.open`.
    """
    with tempfile.TemporaryDirectory() as fallback:  # so that a folder which can only be read can be exported
        store = Store.open(folder, file, fallback=Path(fallback))
        try:
            if not store.private_folder.is_relative_to(fallback):
                for warning in store.warnings:
                    print(warning, file=sys.stderr)  # noqa: T201 - what a command is for
            elif writes:
                raise UserError(tr("{folder} cannot be written to.", folder=folder))
            yield store
        finally:
            store.close()
