"""Readers are given small sound files with random faults, for minutes each."""

from __future__ import annotations

import random
import time
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.stress.part import PartResult, Progress, prepared, run_case
from benchmarks.stress.trial import Trial
from tests.hostile import annotation_files, checkpoints, format_files, json_faults, pictures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.hostile.cases import HostileCase

SECONDS = 600.0


def run(scratch: Path, seconds: float = SECONDS, seed: int = 0, only: str = "") -> PartResult:
    """Fuzz each kind of file, of those with `only` in their name, for so long."""
    result = PartResult(unit="executions")
    counts = []
    for kind, make in ((kind, make) for kind, make in KINDS.items() if only in kind):
        before = result.done
        progress = Progress(f"fuzz {kind}", f"{seconds:.0f} s")
        end = time.monotonic() + seconds
        folder = prepared(scratch)
        with Trial(scratch / "own") as trial:
            for case in make(random.Random(seed)):
                result.done += run_case(case, trial, folder, result)
                progress.step(result.done - before, result.findings.total())
                if time.monotonic() > end:
                    break
        counts.append(f"{kind} {result.done - before:,}")
    result.note = ", ".join(counts)
    return result


def _annotations(kind: str) -> Callable[[random.Random], Iterator[HostileCase]]:
    """Return an endless source of files of a format with faults in their structure, some in their bytes too."""

    def make(rng: random.Random) -> Iterator[HostileCase]:
        sound = json_faults.valid(kind)
        number = 0
        while True:
            number += 1
            content = json_faults.dumps(json_faults.mutated(rng, sound, rng.choice((1, 1, 2, 3, 8))))
            if number % 4 == 0:
                content = pictures.damaged(rng, content)
            yield annotation_files.as_case(kind, f"fuzz number {number}", content)

    return make


def _pictures(rng: random.Random) -> Iterator[HostileCase]:
    sound = pictures.valid()
    number = 0
    while True:
        number += 1
        file, content = rng.choice(sound)
        yield pictures.as_case(f"fuzz number {number}", file, pictures.damaged(rng, content))


def _weights(rng: random.Random) -> Iterator[HostileCase]:
    number = 0
    while True:
        number += 1
        yield checkpoints.as_case(f"fuzz number {number}", checkpoints.damaged(rng, checkpoints.valid()))


KINDS: dict[str, Callable[[random.Random], Iterator[HostileCase]]] = {
    **{f"import {name}": partial(format_files.fuzzed, name) for name in format_files.readable()},
    "coco": _annotations("coco"),
    "labelme": _annotations("labelme"),
    "results": _annotations("results"),
    "pictures": _pictures,
    "weights": _weights,
}
