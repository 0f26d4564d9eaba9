from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from model import console
from model.distributed import ProcessGroup

if TYPE_CHECKING:
    import pytest


def test_without_a_terminal_progress_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 1000, 2))
    monkeypatch.setattr(console.time, "monotonic", lambda: float(next(clock)))
    assert list(console.shared_photos("abcdefg", ProcessGroup())) == list("abcdefg")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines] == ["3 of 7 photos", "6 of 7 photos", "7 of 7 photos"]
    assert all(re.search(r"0\.5 a second, \d+ s left", line) for line in lines)


def test_of_no_photos_there_is_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(console.shared_photos([], ProcessGroup())) == []
    assert capsys.readouterr().err == ""


def test_lines_can_be_left_out(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "REPORT_SECONDS", -1.0)
    list(console.shared_photos([1, 2], ProcessGroup(), lines=False))
    assert capsys.readouterr().err == ""
    list(console.shared_photos([1, 2], ProcessGroup()))
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_on_a_terminal_it_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    list(console.shared_photos([1, 2], ProcessGroup()))
    assert "2/2" in terminal.getvalue()


def test_processes_share_the_photos_and_only_the_first_tells(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "REPORT_SECONDS", -1.0)
    assert list(console.shared_photos("abcde", ProcessGroup(1, 2))) == ["b", "d"]
    assert capsys.readouterr().err == ""
    assert list(console.shared_photos("abcde", ProcessGroup(0, 2))) == ["a", "c", "e"]
    assert [line.split(" photos")[0] for line in capsys.readouterr().err.splitlines()] == ["2 of 5", "4 of 5", "5 of 5"]
