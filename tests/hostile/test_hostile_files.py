"""Files made by mistake or to harm: samples of what `python -m benchmarks.stress` opens, in a process within limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

import pytest

from benchmarks.stress.part import Progress, run_cases
from tests.hostile import annotation_files, checkpoints, format_files, pictures
from tests.hostile.cases import HostileCase

pytest.importorskip("resource", reason="limits on a process are POSIX's")


@pytest.mark.parametrize(
    ("make", "step"),
    [(annotation_files.cases, 64), (format_files.cases, 60), (pictures.cases, 9), (checkpoints.cases, 20)],
    ids=["annotations", "formats", "pictures", "weights"],
)
def test_the_result_is_right_or_one_sentence(
    tmp_path: Path, make: Callable[[], Iterable[HostileCase]], step: int
) -> None:
    result = run_cases(islice(make(), 0, None, step), tmp_path, Progress("files", "some"))
    assert result.done >= 9
    assert result.lines() == []
