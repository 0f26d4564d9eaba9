"""Processes that are killed in the middle of saving: a short run of `python -m benchmarks.stress kills`."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from benchmarks.stress import kills
from benchmarks.stress.part import Progress

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no process can be killed like that here")


def test_what_a_killed_process_leaves_is_whole_and_new(tmp_path: Path) -> None:
    """One kill at each moment; an edit of two seconds ago is there, however slow the machine."""
    runs = len(kills.MOMENTS)
    result = kills.run(tmp_path, Progress("kills", str(runs)), runs, promise=2.0, loaded=False)
    assert result.done == runs
    assert result.lines() == []
