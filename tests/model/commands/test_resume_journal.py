from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from model.commands.resume_journal import ResumeLog, journal_file, journal_files, read_journals, stamp
from model.distributed import ProcessGroup

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = {"generator": "a test", "score": 0.5}


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out [1].json"


def result(name: str) -> dict[str, Any]:
    return {"file_name": name, "stamp": [1, 2], "width": 3, "height": 4, "annotations": [{"score": 0.5}]}


def names(output: Path, settings: dict[str, Any] = SETTINGS) -> list[str]:
    return [record["file_name"] for record in read_journals(output, settings)]


def test_a_run_goes_on_behind_what_the_one_before_it_wrote(output: Path) -> None:
    path = journal_file(output, ProcessGroup())
    for name in ("a.jpg", "b.jpg"):
        with ResumeLog(path, SETTINGS) as journal:
            journal.add(result(name))
        with path.open("ab") as file:
            file.write(b'{"file_name": "half.jp')
    assert names(output) == ["a.jpg", "b.jpg"]
    assert list(read_journals(output, SETTINGS)) == [result("a.jpg"), result("b.jpg")]


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="links need no rights here")
def test_a_link_in_the_place_of_a_journal_is_not_followed(output: Path) -> None:
    precious = output.with_name("precious")
    precious.write_text("precious")
    path = journal_file(output, ProcessGroup())
    path.symlink_to(precious)
    with pytest.raises(OSError, match="partial"), ResumeLog(path, SETTINGS):
        pass
    assert precious.read_text() == "precious"


def test_other_settings_begin_anew(output: Path) -> None:
    path = journal_file(output, ProcessGroup())
    with ResumeLog(path, SETTINGS) as journal:
        journal.add(result("a.jpg"))
    other = {**SETTINGS, "score": 0.9}
    assert names(output, other) == []
    with ResumeLog(path, other) as journal:
        journal.add(result("b.jpg"))
    assert names(output, other) == ["b.jpg"]
    assert names(output) == []


@pytest.mark.parametrize(
    "line",
    [
        b'{"foo":1}',
        b'{"file_name":"a.jpg"}',
        b'{"file_name":"a.jpg","error":"truncated"}',
        json.dumps({**result("a.jpg"), "annotations": [1]}).encode(),
        json.dumps({**result("a.jpg"), "file_name": 5}).encode(),
        b"[]",
        b"\0\0\0",
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_a_damaged_line_is_as_if_it_were_not_there(output: Path, line: bytes) -> None:
    lines = [json.dumps(SETTINGS).encode(), line, json.dumps(result("b.jpg")).encode(), b""]
    journal_file(output, ProcessGroup()).write_bytes(b"\n".join(lines))
    assert names(output) == ["b.jpg"]


def test_the_journals_of_a_team_are_read_by_one_process_and_by_another_team(output: Path) -> None:
    for rank in range(2):
        with ResumeLog(journal_file(output, ProcessGroup(rank, 2)), SETTINGS) as journal:
            journal.add(result(f"{rank}.jpg"))
    with ResumeLog(journal_file(output, ProcessGroup()), SETTINGS) as journal:
        journal.add(result("alone.jpg"))
    for other in ("out [1].json", "out [1].json.partial.bak", "out 1.json.partial", "other.json.partial"):
        (output.parent / other).touch()
    assert [path.name for path in journal_files(output)] == [
        "out [1].json.partial", "out [1].json.partial0", "out [1].json.partial1"
    ]  # fmt: skip
    assert names(output) == ["alone.jpg", "0.jpg", "1.jpg"]


def test_a_file_that_is_replaced_has_another_stamp(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    assert stamp(path) == [0, 0]
    path.write_bytes(b"12345")
    before = stamp(path)
    assert before[0] == 5
    path.write_bytes(b"1234567")
    assert stamp(path) != before


@pytest.mark.parametrize("name", ["gone.jpg", "\0", "\ud800.jpg"])
def test_a_photo_that_cannot_be_there_has_a_stamp(tmp_path: Path, name: str) -> None:
    assert stamp(tmp_path / name) == [0, 0]
