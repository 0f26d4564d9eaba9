"""Where the graphs of weights are kept: the builtin model's are shipped, others lie in the person's cache folder.

They are found by the content of the weights' file, so that those of a file that was overwritten are not taken for the
new one's.
"""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from dataset.regular_files import open_regular
from model.checkpoints.names import BUILTIN_FILE, BUILTIN_GRAPHS, file_of
from model.inference.graph_file import FORMAT

SUFFIX, ROUNDED_SUFFIX = ".graphs", ".int8.graphs"
RECORD_SUFFIX = ".json"
"""Of what is known of the engines: `model.inference.engines.engine_record`."""
TRIAL_SUFFIX = ".trial"
"""Of what became of the first use of graphs here: `model.inference.engines.first_use`."""
KEPT = 8
"""Models in the cache; those whose graphs were not made for the longest time make room."""
BLOCK = 1 << 20


@dataclass(frozen=True)
class GraphPlaces:
    """Where what belongs to some weights is, or would be."""

    floats: Path
    """Graphs in 32-bit floats."""
    rounded: Path
    """Graphs in 8-bit integers."""
    record: Path
    is_shipped: bool = False
    """Whether the ones in 8 bits come with the application, and the others are not needed."""

    def trial(self, graphs: Path) -> Path:
        """Return where it stands what became of the first use of graphs."""
        kind = "int8" if graphs == self.rounded else "float32"
        return self.record.with_name(f"{self.record.stem}.{kind}{TRIAL_SUFFIX}")


def cache_folder() -> Path:
    """Return the folder of this application in the person's cache."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "annotator" / "graphs"


def places_of(weights: str | Path) -> GraphPlaces | None:
    """Return where the graphs of weights are, or would be; None where the weights are no file on this computer."""
    file = file_of(str(weights))
    if file is None:
        return None
    try:
        shipped = file == BUILTIN_FILE and BUILTIN_GRAPHS.is_file()
        state = (BUILTIN_GRAPHS if shipped else file).stat()
        own = (state.st_size, state.st_mtime_ns)
        key = f"builtin-{own[0]:x}-{own[1]:x}" if shipped else _key(file, *own)
    except OSError:
        return None
    folder = cache_folder()
    floats, rounded, record = (folder / f"{key}{suffix}" for suffix in (SUFFIX, ROUNDED_SUFFIX, RECORD_SUFFIX))
    return GraphPlaces(floats, BUILTIN_GRAPHS if shipped else rounded, record, shipped)


@lru_cache(maxsize=32)
def _key(file: Path, size: int, changed: int) -> str:  # noqa: ARG001 - what else makes it another file
    """Return another one for other content of a file, which is read once."""
    content = blake2b(FORMAT.encode(), digest_size=12)
    with open_regular(file) as opened:
        while block := opened.read(BLOCK):
            content.update(block)
    return content.hexdigest()


def tidy(folder: Path, keep: int = KEPT) -> None:
    """Remove all that belongs to models but the last ones whose graphs were made."""
    with contextlib.suppress(OSError):
        models: dict[str, list[Path]] = {}
        for file in sorted(folder.iterdir(), key=lambda file: file.stat().st_mtime, reverse=True):
            if file.name.endswith((SUFFIX, RECORD_SUFFIX, TRIAL_SUFFIX)):
                models.setdefault(file.name.partition(".")[0], []).append(file)
        for files in list(models.values())[keep:]:
            for file in files:
                file.unlink(missing_ok=True)
