"""The project's private database: what is newer than the JSON on disk, what the JSON cannot say, what can be cached.

Per COCO file and photo: the annotations while they are newer than the file, the suggestions already reviewed, whether
it is done or skipped. Per photo and model: the pool of suggestions. SQLite in WAL mode with a sync at every commit, so
that what was committed survives a killed process and a fallen system. Transactions may come from several threads; what
reads is for one thread, except where noted.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import threading
import time
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

import msgspec

from annotator.core.photo_state import Mark, PhotoState
from annotator.core.store.packing import pack, pack_photo, unpack, unpack_photo
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

Key = TypeVar("Key")

VERSION = 1
_SCHEMA = """
CREATE TABLE photos (
    file TEXT NOT NULL, name TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,
    annotations BLOB, answered BLOB NOT NULL, done INTEGER NOT NULL, PRIMARY KEY (file, name)) WITHOUT ROWID;
CREATE TABLE facts (file TEXT NOT NULL, key TEXT NOT NULL, value BLOB, PRIMARY KEY (file, key)) WITHOUT ROWID;
CREATE TABLE pools (
    model TEXT NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL, mtime INTEGER NOT NULL, suggestions BLOB NOT NULL,
    PRIMARY KEY (model, name));
"""

_NOTE_CHANGES = """
CREATE TABLE IF NOT EXISTS changed (file TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (file, name)) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS photo_put AFTER INSERT ON photos
    BEGIN INSERT OR IGNORE INTO changed VALUES (NEW.file, NEW.name); END;
CREATE TRIGGER IF NOT EXISTS photo_changed AFTER UPDATE ON photos
    BEGIN INSERT OR IGNORE INTO changed VALUES (NEW.file, NEW.name); END;
CREATE TRIGGER IF NOT EXISTS fact_put AFTER INSERT ON facts
    BEGIN INSERT OR IGNORE INTO changed VALUES (NEW.file, ''); END;
"""


_ANY_NAME = ("utf-8", "surrogatepass")  # also one that is not UTF-8 on the disk


def imported_by(file: str) -> str:
    """Return what goes in the place of a model for suggestions that were imported into a COCO file.

    They are in the classes of that file, and no model writes over them.
    """
    return f"imported:{file}"


@dataclass(frozen=True, slots=True)
class JournalRow:
    """A photo in the journal; annotations, with what is noted about it, and reviewed are packed."""

    size: tuple[int, int]
    """(width, height) of the upright photo."""
    annotations: bytes | None
    """None when the COCO file has them."""
    reviewed: bytes
    """Suggestions accepted or rejected."""
    mark: Mark
    """What was decided about it."""

    @classmethod
    def of(cls, state: PhotoState, *, saved: bool) -> JournalRow:
        """Return the row of a state; `saved` where the COCO file has the annotations."""
        annotations = None if saved else pack_photo(state.annotations, state.notes)
        return cls(state.size, annotations, pack(state.reviewed), state.mark)

    def state(self) -> PhotoState:
        """Return the state, without annotations where the COCO file has them.

        Raises:
            ValueError: the row is damaged.
        """
        annotations, notes = ((), None) if self.annotations is None else unpack_photo(self.annotations)
        return PhotoState(self.size, annotations, unpack(self.reviewed), self.mark, notes)


class Stamp(msgspec.Struct, frozen=True):
    """A photo's file when its suggestions were made: bytes and time of change."""

    size: int
    mtime_ns: int


class Journal:
    """An open database. Every method can raise sqlite3.Error."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = _connect(path)
        self._reader = _connect(path)  # WAL: reading never waits for a commit
        self._reading = threading.Lock()
        self._identity = _identity(path)
        self._writing = threading.Lock()  # held for a transaction

    @classmethod
    def open(cls, path: Path) -> tuple[Journal, str]:
        """Open or make the database. One that is damaged is set aside, as the sentence returned then reports.

        Raises:
            sqlite3.Error: it can neither be opened nor made anew.
        """
        try:
            return cls(path), ""
        except sqlite3.DatabaseError as error:
            if not path.exists() or isinstance(error, sqlite3.OperationalError):
                raise
        aside = path.with_name(f"{path.stem}.damaged-{time.strftime('%Y%m%d-%H%M%S')}{path.suffix}")
        path.replace(aside)
        for suffix in ("-wal", "-shm"):
            with contextlib.suppress(OSError):
                path.with_name(path.name + suffix).replace(aside.with_name(aside.name + suffix))
        return cls(path), tr(
            "The project's history was damaged and is kept as {file}; the annotations are untouched.", file=aside
        )

    def move_to(self, path: Path) -> str:
        """Go on in another database, which may be new; return what `open` does of it.

        Closed first: SQLite would take the log of a new database in the old one's place for the old one's.

        Raises:
            sqlite3.Error: it can neither be opened nor made; this one is closed.
        """
        with self._reading:
            for db in (self._reader, self._db):
                with contextlib.suppress(sqlite3.Error):  # its disk is gone
                    db.close()
            other, warning = Journal.open(path)
            self.path, self._db, self._reader, self._identity = path, other._db, other._reader, other._identity
        return warning

    def close(self) -> None:
        """Close it. More than once is fine."""
        with self._reading, contextlib.suppress(sqlite3.Error):
            self._reader.close()
        with contextlib.suppress(sqlite3.Error):
            self._db.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for a transaction that is on the disk in the end; another thread's waits for that."""
        with self._writing, self._db as db:
            if db.in_transaction:  # one that could not be rolled back
                db.rollback()
            db.execute("BEGIN IMMEDIATE")
            yield db

    # Photos of a COCO file

    def rows(self, file: str) -> dict[str, JournalRow]:
        """Return every photo on record, by name."""
        query = "SELECT name, width, height, annotations, answered, done FROM photos WHERE file = ?"
        return {
            _from_sql(name): JournalRow((width, height), annotations, reviewed, _mark(done))
            for name, width, height, annotations, reviewed, done in self._db.execute(query, (_to_sql(file),))
        }

    def put(
        self,
        file: str,
        rows: Mapping[str, JournalRow],
        metadata: Mapping[str, bytes | None],
        pools: Mapping[tuple[str, str], tuple[Stamp, bytes]] = MappingProxyType({}),
        *,
        moved_from: str | None = None,
    ) -> dict[str, Exception]:
        """Record photos, facts and pools (as `put_pools` takes them) in one transaction; on the disk on return.

        With `moved_from`, this COCO file goes on from that one and holds all of it but for `rows`: answers and done
        marks go along, and the folder remembers it.

        Returns the photos that the database does not take, and why; the others are recorded without them and their
        pools.

        Raises:
            FileNotFoundError: the database was deleted; SQLite alone would go on writing to what nobody can open again.
        """
        if self._identity != _identity(self.path):
            raise FileNotFoundError(errno.ENOENT, tr("the folder .annotator was deleted"))
        key = _to_sql(file)
        with self._transaction():
            if moved_from is not None:
                self._move(_to_sql(moved_from), key)
                self._copy_pools(imported_by(moved_from), imported_by(file))
            refused = self._insert(
                "INSERT OR REPLACE INTO photos VALUES (?, ?, ?, ?, ?, ?, ?)",
                {name: (key, _to_sql(name), *r.size, r.annotations, r.reviewed, r.mark) for name, r in rows.items()},
            )
            self._put_metadata(key, metadata)
            self._insert_pools({key: row for key, row in pools.items() if key[1] not in refused})
        return refused

    def _insert(self, statement: str, rows: Mapping[Key, tuple[object, ...]]) -> dict[Key, Exception]:
        """Insert rows in a transaction; return the keys of those that the database does not take, and why."""
        refused: dict[Key, Exception] = {}
        for key, values in rows.items():
            try:
                self._db.execute(statement, values)
            except (OSError, sqlite3.OperationalError):
                raise  # the disk's fault, not the row's
            except Exception as error:
                if not self._db.in_transaction:
                    raise
                refused[key] = error
        return refused

    def _put_metadata(self, key: str | bytes, metadata: Mapping[str, bytes | None]) -> None:
        values = [(key, name, value) for name, value in metadata.items()]
        self._db.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", values)

    def _copy_pools(self, source: str, target: str) -> None:
        """Have the pools of a model for another, too."""
        self._db.execute(
            "INSERT OR REPLACE INTO pools SELECT ?, name, size, mtime, suggestions FROM pools WHERE model = ?",
            (_to_sql(target), _to_sql(source)),
        )

    def _move(self, source: str | bytes, target: str | bytes) -> None:
        self._db.execute("DELETE FROM photos WHERE file = ?", (target,))
        self._db.execute(
            "INSERT INTO photos SELECT ?, name, width, height, NULL, answered, done FROM photos WHERE file = ?",
            (target, source),
        )
        self._db.execute("UPDATE photos SET annotations = NULL WHERE file = ?", (source,))
        self._db.execute("DELETE FROM facts WHERE file = ? AND key = 'categories'", (source,))
        self._remember(target)

    def absorb(self, other: Path) -> None:
        """Take over what another journal of the same photos has: of what it noted as changed, all of it.

        The other one must have been through `note_changes`.
        """
        with self._db as db:  # outside of a transaction
            db.execute("ATTACH DATABASE ? AS other", (os.fsencode(other),))
        try:
            with self._transaction() as db:
                db.execute(
                    "INSERT OR IGNORE INTO other.changed "
                    "SELECT file, name FROM other.photos WHERE annotations IS NOT NULL"
                )
                db.execute(
                    "DELETE FROM facts WHERE key = 'current' AND EXISTS (SELECT 1 FROM other.facts "
                    "WHERE key = 'current' AND file IN (SELECT file FROM other.changed))"
                )
                db.execute(
                    "INSERT OR REPLACE INTO facts SELECT * FROM other.facts "
                    "WHERE file IN (SELECT file FROM other.changed)"
                )
                db.execute(
                    "INSERT OR REPLACE INTO photos SELECT * FROM other.photos "
                    "WHERE (file, name) IN (SELECT file, name FROM other.changed)"
                )
                db.execute("INSERT OR IGNORE INTO photos SELECT * FROM other.photos")
                db.execute("INSERT OR IGNORE INTO facts SELECT * FROM other.facts")
                db.execute("INSERT OR IGNORE INTO pools SELECT * FROM other.pools")
        finally:
            self._db.execute("DETACH DATABASE other")

    def metadata(self, file: str) -> dict[str, bytes]:
        """Return everything recorded about a COCO file itself."""
        query = "SELECT key, value FROM facts WHERE file = ? AND value IS NOT NULL"
        return dict(self._db.execute(query, (_to_sql(file),)))

    def remembered_file(self) -> str | None:
        """Return the COCO file that was worked on last, as `remember_file` was given it."""
        found = self._db.execute("SELECT file FROM facts WHERE key = 'current' AND value IS NOT NULL").fetchone()
        return _from_sql(found[0]) if found else None

    def remember_file(self, file: str) -> None:
        """Record which COCO file is worked on."""
        with self._transaction():
            self._remember(_to_sql(file))

    def _remember(self, key: str | bytes) -> None:
        self._db.execute("DELETE FROM facts WHERE key = 'current'")
        self._db.execute("INSERT INTO facts VALUES (?, 'current', x'31')", (key,))

    def namesakes(self) -> frozenset[str]:
        """Return what `add_namesakes` was given."""
        found = self._db.execute("SELECT value FROM facts WHERE file = '' AND key = 'namesakes'").fetchone()
        return frozenset(found[0].decode(*_ANY_NAME).split("\0")) if found else frozenset()

    def add_namesakes(self, names: Collection[str]) -> None:
        """Record photos of the folder that have `dataset.photo_names.namesakes`."""
        packed = "\0".join(sorted(self.namesakes() | set(names))).encode(*_ANY_NAME)
        with self._transaction():
            self._put_metadata("", {"namesakes": packed})

    def rename(self, file: str, names: Mapping[str, str]) -> None:
        """Have what is on record of photos under their new names, by the old ones."""
        with self._transaction() as db:
            for old, new in names.items():
                values = (_to_sql(new), _to_sql(old))
                db.execute("UPDATE photos SET name = ? WHERE name = ? AND file = ?", (*values, _to_sql(file)))
                db.execute("UPDATE OR REPLACE pools SET name = ? WHERE name = ?", values)

    def note_changes(self) -> None:
        """From now on, note which photos and files are put here: this journal stands in for another that has the rest.

        What is put here is then newer, and what was here before may be older, than what that one has by the time that
        they come together again.
        """
        self._db.executescript(f"BEGIN; {_NOTE_CHANGES} COMMIT")

    # Pools of suggestions

    def put_pools(self, pools: Mapping[tuple[str, str], tuple[Stamp, bytes]]) -> None:
        """Record pools: (model, name) -> (the photo's stamp, packed suggestions); one that cannot be is left out."""
        with self._transaction():
            self._insert_pools(pools)

    def _insert_pools(self, pools: Mapping[tuple[str, str], tuple[Stamp, bytes]]) -> None:
        self._insert(
            "INSERT OR REPLACE INTO pools VALUES (?, ?, ?, ?, ?)",
            {
                (model, name): (_to_sql(model), _to_sql(name), stamp.size, stamp.mtime_ns, packed)
                for (model, name), (stamp, packed) in pools.items()
            },
        )

    def pool(self, model: str, name: str, stamp: Stamp) -> bytes | None:
        """Return the packed pool of a photo, if the photo is still the same. From any thread."""
        query = "SELECT suggestions FROM pools WHERE model = ? AND name = ? AND size = ? AND mtime = ?"
        with self._reading:
            found = self._reader.execute(query, (_to_sql(model), _to_sql(name), stamp.size, stamp.mtime_ns)).fetchone()
        return found[0] if found else None

    def pool_names(self, model: str) -> set[str]:
        """Return the photos that have a pool of that model. From any thread."""
        with self._reading:
            found = self._reader.execute("SELECT name FROM pools WHERE model = ?", (_to_sql(model),))
            return {_from_sql(name) for (name,) in found}


def _mark(number: object) -> Mark:
    """Return the mark that a number of the database means: one that no mark has is of another version."""
    return next((mark for mark in Mark if mark == number), Mark.NONE)


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what no other file has as long as this one is open; None where there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _to_sql(text: str) -> str | bytes:
    """Return text as SQLite takes it: what UTF-8 lacks, such as names that are not UTF-8, as a BLOB."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="surrogatepass")
    return text


def _from_sql(text: str | bytes) -> str:
    """Return the inverse of `_to_sql`."""
    return text if isinstance(text, str) else text.decode(errors="surrogatepass")


def _connect(path: Path) -> sqlite3.Connection:
    """A connection to the database, which is made where there is none. sqlite3.DatabaseError if it is damaged."""
    db = sqlite3.connect(path, check_same_thread=False, timeout=5)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT")
        elif version != VERSION:
            raise sqlite3.DatabaseError(f"version {version}")
        db.execute("SELECT count(*) FROM facts").fetchone()
    except sqlite3.Error:
        db.close()
        raise
    return db
