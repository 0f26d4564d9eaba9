"""`python -m benchmarks` finds the benchmarks, and nothing else."""

from __future__ import annotations

import pkgutil
from pathlib import Path

import benchmarks
from benchmarks.__main__ import HELPERS, LONG

FOLDER = Path(benchmarks.__path__[0])


def test_what_make_bench_runs_are_programs_that_write_records() -> None:
    names = {module.name for module in pkgutil.iter_modules(benchmarks.__path__)}
    assert names >= HELPERS | LONG
    files = {name: FOLDER / f"{name}.py" for name in names - HELPERS}
    sources = {name: file.read_text(encoding="utf-8") for name, file in files.items() if file.exists()}
    assert {name for name, source in sources.items() if '__name__ == "__main__"' not in source} == set()
    measured = sources.keys() - LONG
    assert {name for name in measured if "benchmarks.report" not in sources[name]} == set()
    assert len(measured) > 5
