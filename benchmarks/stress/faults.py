"""The tests of `tests/faults`: full, read-only, pulled and renamed disks, every error at every step of saving."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from benchmarks.stress.part import PartResult
from benchmarks.stress.trial import ROOT


def run() -> PartResult:
    """Run those tests. One that had to be skipped here is no finding, and is counted."""
    command = [sys.executable, "-m", "pytest", "tests/faults", "-q", "-p", "no:cacheprovider", "--timeout", "600"]
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=environment)
    counts = {kind: int(n) for n, kind in re.findall(r"(\d+) (passed|failed|skipped|errors?)", done.stdout)}
    result = PartResult(sum(counts.values()), "tests", ", ".join(f"{n} {kind}" for kind, n in counts.items()))
    for line in done.stdout.splitlines():
        if line.startswith(("FAILED ", "ERROR ")):
            result.add(line, "tests/faults")
    if done.returncode and not result.findings:
        result.add((done.stdout + done.stderr).strip()[-300:], "pytest")
    return result
