"""A part of the stress test: what it did, what it found, and how a series of cases is run."""

from __future__ import annotations

import json
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.stress.readers import MODEL
from benchmarks.stress.trial import Trial
from tests.hostile.annotation_files import PHOTO
from tests.hostile.checkpoints import valid

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.hostile.cases import HostileCase

EVERY = 20.0
"""Seconds between two lines of progress."""


@dataclass(slots=True)
class Progress:
    """Prints how far a part is, now and then."""

    name: str
    total: str
    started: float = field(default_factory=time.monotonic)
    _next: float = 0.0

    def step(self, number: int, findings: int) -> None:
        """So many are done."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + EVERY
            print(f"{self.name}: {number:,} of {self.total}, {now - self.started:.0f} s, {findings} findings",
                  file=sys.stderr, flush=True)  # fmt: skip


@dataclass(slots=True)
class PartResult:
    """What a part did and found."""

    done: int = 0
    """Runs, or files opened in readers."""
    unit: str = "files"
    note: str = ""
    findings: Counter[str] = field(default_factory=Counter)
    """What was found, by kind."""
    examples: dict[str, str] = field(default_factory=dict)
    """Where each kind was found first."""

    def add(self, finding: str, where: str) -> bool:
        """Count a finding with those of its kind, the same but for numbers and what is in quotes; whether it is new."""
        kind = re.sub(r"'[^']*'|\"[^\"]*\"|-?\d[\d,.e+]*(?![\d:])", "…", finding)
        self.findings[kind] += 1
        self.examples.setdefault(kind, f"{finding}  in  {where}")
        return self.findings[kind] == 1

    def lines(self) -> list[str]:
        """Return the findings as lines, the most frequent first."""
        return [f"{n:5} x  {self.examples[kind]}" for kind, n in self.findings.most_common()]


def run_cases(cases: Iterable[HostileCase], scratch: Path, progress: Progress) -> PartResult:
    """Open every case in each of its readers."""
    result = PartResult()
    folder = prepared(scratch)
    with Trial(scratch / "own") as trial:
        for number, case in enumerate(cases, 1):
            result.done += run_case(case, trial, folder, result)
            progress.step(number, result.findings.total())
        result.note = f"{number:,} files"
    return result


def prepared(scratch: Path) -> Path:
    """Return the folder for cases, with what they need, and what none may reach, beside it."""
    (scratch / "own").mkdir(parents=True, exist_ok=True)
    (scratch / "outside").mkdir(exist_ok=True)
    (scratch / "outside" / "secret.jpg").write_bytes(PHOTO)
    (scratch / "own" / MODEL).write_bytes(valid())
    return scratch / "case"


def run_case(case: HostileCase, trial: Trial, folder: Path, result: PartResult) -> int:
    """Open a case in each of its readers, note what is wrong, and return how many readers there are.

    The first file of each kind of finding is put beside the folder, in `found`.
    """
    for reader in case.readers:
        case.put(folder)
        for problem in trial.open(reader, folder).problems(case.named):
            if result.add(f"{reader}: {problem}", json.dumps(case.name)):
                case.put(folder.parent / "found" / str(len(result.findings)))  # to look at, with --keep
    return len(case.readers)
