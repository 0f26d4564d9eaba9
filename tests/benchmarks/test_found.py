from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import report
from benchmarks.found import _arguments, measure, meet


def box(x: float, *, crowd: bool = False, score: float = 1.0) -> dict[str, Any]:
    return {"bbox": [x, 0, 10, 10], "iscrowd": int(crowd), "score": score}


def test_each_suggestion_finds_one_object_and_the_rest_is_false() -> None:
    assert meet([], []) == ([], 0)
    assert meet([box(0), box(100)], []) == ([False, False], 0)
    assert meet([], [box(0)]) == ([], 1)
    # The second one on the same object is false; one that is half a box aside meets nothing.
    assert meet([box(0), box(100)], [box(1), box(2, score=0.5), box(105)]) == ([True, False], 2)
    # The better one takes what both overlap most, and the other one its neighbour.
    assert meet([box(0), box(3)], [box(1, score=0.6), box(0, score=0.9)]) == ([True, True], 0)


def test_what_lies_in_a_crowd_is_not_counted() -> None:
    crowd = {"bbox": [0, 0, 100, 100], "iscrowd": 1}
    assert meet([crowd, box(200)], [box(20), box(50), box(300)]) == ([False, False], 1)


def test_a_folder_that_is_none_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.argv", ["found", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        report.main("found", measure, _arguments)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert str(tmp_path / "val.json") in said
    assert said.count("\n") == 1
