"""What models found in photos, with every score: in memory for a while, in the journal for good."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from annotator.core.store.journal import Stamp, imported_by
from annotator.core.store.packing import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from annotator.core.annotation import Annotation
    from annotator.core.store.journal import Journal

Pool = tuple["Annotation", ...]
"""The suggestions of one model for one photo; category ids are the model's."""

UNANSWERED = "unanswered"
"""In the place of a model: what was on offer and unanswered when a photo was marked done, in the project's classes."""

RECENT = 64  # photos whose suggestions stay in memory; the others' are on disk


class SuggestionPools:
    """The suggestions of every model for every photo of a project: their one home. Used from several threads."""

    def __init__(self, images: Path, journal: Journal, mark_dirty: Callable[[], None]) -> None:
        """Use the pools of a journal.

        Args:
            images: The folder of photos.
            journal: The open database.
            mark_dirty: Called when there is something to journal.
        """
        self._images, self._journal, self._mark_dirty = images, journal, mark_dirty
        self._lock = threading.Lock()  # guards what follows; held for moments
        self._unjournaled: dict[tuple[str, str], Pool] = {}  # by model and photo
        self._recent: OrderedDict[tuple[str, str], Pool] = OrderedDict()  # by the same

    def get(self, name: str, model: str) -> Pool | None:
        """Return the suggestions for a photo, if it is still the same; None otherwise. Reads the disk."""
        pool = self._read(name, model)
        if pool is not None:
            with self._lock:
                self._remember((model, name), pool)
        return pool

    def recent(self, name: str, model: str) -> Pool | None:
        """Return the suggestions for a photo if they were read or made lately, at no cost; None otherwise."""
        with self._lock:
            pool = self._recent.get((model, name))
            if pool is not None:
                self._recent.move_to_end((model, name))
            return pool

    def scores(self, name: str, model: str) -> tuple[tuple[float, int], ...] | None:
        """Return the scores of `get`, each with its class, without keeping it in memory. Reads the disk."""
        pool = self._read(name, model)
        return None if pool is None else tuple((s.score or 0.0, s.category_id) for s in pool)

    def names(self, model: str) -> set[str]:
        """Return the photos that have suggestions of a model. Reads the disk."""
        with self._lock:
            names = {name for of, name in self._unjournaled if of == model}
        with contextlib.suppress(sqlite3.Error):
            names |= self._journal.pool_names(model)
        return names

    def put(self, name: str, model: str, suggestions: Iterable[Annotation]) -> None:
        """Keep the suggestions for a photo, for the next time."""
        pool = tuple(suggestions)
        with self._lock:
            self._unjournaled[model, name] = pool
            self._remember((model, name), pool)
        self._mark_dirty()

    def put_unanswered(self, name: str, suggestions: Iterable[Annotation]) -> None:
        """Keep what is on offer and unanswered in a photo that is being marked done: it is no background.

        For the `Saver`, which writes it with the mark.
        """
        with self._lock:
            self._unjournaled[UNANSWERED, name] = tuple(suggestions)

    def pending_unanswered(self) -> dict[tuple[str, str], Pool]:
        """Return what `put_unanswered` was given and the journal does not have, by model and photo."""
        with self._lock:
            return {key: pool for key, pool in self._unjournaled.items() if key[0] == UNANSWERED}

    def unanswered(self, name: str) -> Pool | None:
        """Return what was kept when the photo was marked done, if it is still the same photo. Reads the disk."""
        return self._read(name, UNANSWERED)

    def peek(self, name: str, model: str) -> Pool | None:
        """Return the suggestions of `get`, without keeping them in memory. Reads the disk."""
        return self._read(name, model)

    def write_journal(self) -> None:
        """Write to the journal what it does not have; what could not be written is kept. sqlite3.Error passes through.

        On the journal's thread. What nobody answered is written with the done mark alone.
        """
        with self._lock:
            pools = {key: pool for key, pool in self._unjournaled.items() if key[0] != UNANSWERED}
        self._journal.put_pools(self.rows(pools))
        self.journaled(pools)

    def rows(self, pools: Mapping[tuple[str, str], Pool]) -> dict[tuple[str, str], tuple[Stamp, bytes]]:
        """Return pools as the journal takes them, without those that cannot be written. Reads the disk."""
        stamped = {}
        for (model, name), pool in pools.items():
            with contextlib.suppress(Exception):  # the photo is gone, say: the model looks again another time
                stamped[model, name] = (self._stamp(name), pack(pool))
        return stamped

    def move_imported(self, source: str, target: str) -> None:
        """Have what was imported into a COCO file for another one, too, as which it was saved.

        On the journal's thread; the journal does the same with what it has.
        """
        before, after = imported_by(source), imported_by(target)
        with self._lock:
            for pools in (self._unjournaled, self._recent):
                pools |= {(after, name): pool for (model, name), pool in pools.items() if model == before}

    def journaled(self, pools: Mapping[tuple[str, str], Pool]) -> None:
        """Forget that the journal does not have these."""
        with self._lock:
            for key, pool in pools.items():
                if self._unjournaled.get(key) is pool:
                    del self._unjournaled[key]

    def _read(self, name: str, model: str) -> Pool | None:
        with self._lock:
            found = self._unjournaled.get((model, name))
        if found is not None:
            return found
        try:
            packed = self._journal.pool(model, name, self._stamp(name))
            return None if packed is None else unpack(packed)
        except Exception:  # noqa: BLE001 - whatever it is, the model makes them anew
            return None

    def _remember(self, key: tuple[str, str], pool: Pool) -> None:
        self._recent[key] = pool
        self._recent.move_to_end(key)
        while len(self._recent) > RECENT:
            self._recent.popitem(last=False)

    def _stamp(self, name: str) -> Stamp:
        status = (self._images / name).stat()
        return Stamp(status.st_size, status.st_mtime_ns)
