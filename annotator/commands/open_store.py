"""A project's annotations, opened for the length of a command."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from annotator.core.store.project_folder import LOCK, NAME
from annotator.core.store.recovery import DATABASE
from annotator.core.store.store import Store
from dataset.i18n import tr
from dataset.messages import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def open_store(folder: Path, file: Path | None, *, writes: bool) -> Iterator[Store]:
    """Open a project, print its warnings, and close it with everything written.

    A private folder that this makes goes again where nothing was put on record, as after an import that failed.

    Raises:
        UserError: `writes` is true, and the folder cannot be written to.
        FolderError, CocoError, StoreError: as for `Store.open`.
    """
    with tempfile.TemporaryDirectory() as fallback:  # so that a folder which can only be read can be exported
        private = folder / NAME
        was_here = os.path.lexists(private)
        store = Store.open(folder, file, fallback=Path(fallback))
        is_untouched = not writes
        try:
            if not store.private_folder.is_relative_to(fallback):
                for warning in store.warnings:
                    print(warning, file=sys.stderr)  # noqa: T201 - what a command is for
            elif writes:
                raise UserError(tr("{folder} cannot be written to.", folder=folder))
            try:
                yield store
            except UserError:
                is_untouched = not (store.unsaved or store.all_changed() or store.pools.names(store.imported_pool))
                raise
        finally:
            store.close()
            if is_untouched and not was_here:
                _remove(private)


def _remove(private: Path) -> None:
    """Remove a private folder that has nothing but an empty journal."""
    with contextlib.suppress(OSError):
        if {path.name for path in private.iterdir()} <= {LOCK, DATABASE, *(DATABASE + end for end in ("-wal", "-shm"))}:
            shutil.rmtree(private)
