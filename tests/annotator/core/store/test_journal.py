from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from annotator.core.photo_state import Mark
from annotator.core.store.journal import Journal, JournalRow, Stamp

ROW = JournalRow((640, 480), b"\x90", b"\x90", mark=Mark.DONE)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened, warning = Journal.open(tmp_path / "project.sqlite")
    assert warning == ""
    yield opened
    opened.close()


def test_rows_belong_to_a_file(journal: Journal) -> None:
    journal.put("a.json", {"1.jpg": ROW, "s/2.jpg": ROW}, {"mark": b"m"})
    journal.put("b.json", {"1.jpg": JournalRow((1, 2), None, b"\x90", mark=Mark.NONE)}, {})
    assert journal.rows("a.json") == {"1.jpg": ROW, "s/2.jpg": ROW}
    assert journal.rows("b.json")["1.jpg"].size == (1, 2)
    assert journal.metadata("a.json") == {"mark": b"m"}
    assert journal.metadata("b.json") == {}


def test_cleared_rows_keep_what_the_file_cannot_say(journal: Journal) -> None:
    journal.put("a", {"1.jpg": ROW, "2.jpg": ROW}, {"next": b"n"})
    journal.put("a", {"1.jpg": replace(ROW, annotations=None)}, {"next": None, "mark": b"m"})
    rows = journal.rows("a")
    assert (rows["1.jpg"].annotations, rows["1.jpg"].mark, rows["2.jpg"]) == (None, Mark.DONE, ROW)
    assert journal.metadata("a") == {"mark": b"m"}


def test_a_project_of_another_version_still_opens(journal: Journal) -> None:
    """The column held 0 or 1 before photos could be skipped, and may hold more one day."""
    journal.put("a", dict.fromkeys("0123", ROW), {})
    for number in range(4):
        journal._db.execute("UPDATE photos SET done = ? WHERE name = ?", (number, str(number)))
    marks = [row.mark for _, row in sorted(journal.rows("a").items())]
    assert marks == [Mark.NONE, Mark.DONE, Mark.SKIPPED, Mark.NONE]


def test_moving_to_another_file(journal: Journal) -> None:
    journal.put("old", {"1.jpg": ROW}, {"categories": b"c"})
    journal.put("new", {"9.jpg": ROW}, {})
    journal.put("new", {}, {}, moved_from="old")
    assert journal.rows("new") == {"1.jpg": JournalRow(ROW.size, None, ROW.reviewed, mark=Mark.DONE)}
    assert journal.rows("old")["1.jpg"].annotations is None
    assert journal.metadata("old") == {}
    assert journal.remembered_file() == "new"


def test_pools_are_of_a_model_and_of_the_photo_as_it_was(journal: Journal) -> None:
    stamp = Stamp(10, 20)
    journal.put_pools({("m", "1.jpg"): (stamp, b"p"), ("m", "2.jpg"): (stamp, b"q"), ("n", "1.jpg"): (stamp, b"r")})
    assert journal.pool("m", "1.jpg", stamp) == b"p"
    assert journal.pool("n", "1.jpg", stamp) == b"r"
    assert journal.pool("m", "1.jpg", Stamp(11, 20)) is None
    assert journal.pool("m", "1.jpg", Stamp(10, 21)) is None
    assert journal.pool("x", "1.jpg", stamp) is None
    assert journal.pool_names("m") == {"1.jpg", "2.jpg"}


def test_a_second_opening_sees_everything(tmp_path: Path) -> None:
    first, _ = Journal.open(tmp_path / "p.sqlite")
    first.put("a", {"1.jpg": ROW}, {})
    second, _ = Journal.open(tmp_path / "p.sqlite")  # as after a kill: the first was never closed
    assert second.rows("a") == {"1.jpg": ROW}
    second.close()
    first.close()
    first.close()


@pytest.mark.parametrize(
    "content", [b"not a database at all, but long enough for a header" * 40, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_damaged_database_is_set_aside(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "project.sqlite"
    path.write_bytes(content)
    journal, warning = Journal.open(path)
    assert "damaged" in warning
    (aside,) = tmp_path.glob("project.damaged-*.sqlite")
    assert str(aside) in warning
    assert aside.read_bytes() == content
    assert journal.rows("a") == {}
    journal.close()


def test_a_database_of_another_version_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "project.sqlite"
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.commit()
    db.close()
    journal, warning = Journal.open(path)
    assert warning
    journal.close()


def test_a_place_where_no_database_can_be(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        Journal.open(tmp_path / "none" / "project.sqlite")
