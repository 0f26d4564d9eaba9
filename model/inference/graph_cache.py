"""Where the graphs of weights are kept: the builtin model's are shipped, others lie in the person's cache folder.

They are found by the content of the weights' file, so that those of a file that was overwritten are not taken for the
new one's.
"""

from __future__ import annotations

import contextlib
import os
import sys
from hashlib import blake2b
from pathlib import Path

from dataset.regular_files import open_regular
from model.checkpoints.names import BUILTIN_FILE, BUILTIN_GRAPHS, file_of
from model.inference.graph_file import FORMAT

SUFFIX = ".graphs"
KEPT = 8
"""Graphs in the cache; those that were not used for the longest time make room."""
BLOCK = 1 << 20


def cache_folder() -> Path:
    """Return the folder of this application in the person's cache."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "annotator" / "graphs"


def place_of(weights: str | Path) -> Path | None:
    """Return where the graphs of weights are, or would be; None where the weights are no file on this computer."""
    file = file_of(str(weights))
    if file is None:
        return None
    if file == BUILTIN_FILE and BUILTIN_GRAPHS.is_file():
        return BUILTIN_GRAPHS
    content = blake2b(FORMAT.encode(), digest_size=12)
    try:
        with open_regular(file) as opened:
            while block := opened.read(BLOCK):
                content.update(block)
    except OSError:
        return None
    return cache_folder() / f"{content.hexdigest()}{SUFFIX}"


def tidy(folder: Path, keep: int = KEPT) -> None:
    """Remove all but the last used graphs of a folder."""
    with contextlib.suppress(OSError):
        files = sorted(folder.glob(f"*{SUFFIX}"), key=lambda file: file.stat().st_mtime, reverse=True)
        for file in files[keep:]:
            file.unlink(missing_ok=True)
