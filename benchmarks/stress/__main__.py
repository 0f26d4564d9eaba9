"""Run the stress test, or parts of it: `python -m benchmarks.stress [PART ...]`. Ends with 1 if anything is found."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.report import Record, machine, table
from benchmarks.stress import faults, fuzz, kills
from benchmarks.stress.part import PartResult, Progress, run_cases
from tests.hostile import annotation_files, checkpoints, format_files, pictures

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.hostile.cases import HostileCase

FILES = {"annotations": annotation_files, "formats": format_files, "pictures": pictures, "weights": checkpoints}
PARTS = ("kills", "faults", *FILES, "fuzz")


def run(arguments: list[str] | None = None) -> int:
    """Run the parts, print a table, and return 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stress", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--runs", type=int, default=kills.RUNS, help="kills (default: %(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=fuzz.SECONDS, help="of fuzzing a reader (default: %(default)s)"
    )
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only files, or kinds to fuzz, with this in their name"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="work here, and leave what was found")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures and findings here")
    args = parser.parse_args(arguments)
    scratch = args.keep or Path(tempfile.mkdtemp(prefix="stress-", dir=_fast_folder()))
    records, found = [], {}
    try:
        for part in args.parts or PARTS:
            started = time.monotonic()
            result = _run(part, args, scratch / part)
            seconds = time.monotonic() - started
            note = f"{seconds:,.0f} s" + (f"; {result.note}" if result.note else "")
            clean = not result.findings
            records.append(Record(part, result.done, result.unit, note, aim="nothing found", met=clean))
            found[part] = result.lines()
            print("\n".join((f"{part}: {result.findings.total()} findings", *found[part])), flush=True)
    finally:
        if not args.keep:
            shutil.rmtree(scratch, ignore_errors=True)
    print(table(records))
    if args.json:
        content = {"machine": machine(), "records": [record.as_dict() for record in records], "findings": found}
        args.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return int(any(found.values()))


def _run(part: str, args: argparse.Namespace, scratch: Path) -> PartResult:
    if part == "kills":
        return kills.run(scratch, Progress(part, f"{args.runs} runs"), args.runs, args.seed)
    if part == "faults":
        return faults.run()
    if part == "fuzz":
        return fuzz.run(scratch, args.seconds, args.seed, args.only)
    module = FILES[part]
    return run_cases(_chosen(module.cases(args.seed), args.only), scratch, Progress(part, "files"))


def _chosen(cases: Iterable[HostileCase], text: str) -> Iterable[HostileCase]:
    return (case for case in cases if text in case.name)


def _fast_folder() -> str | None:
    """Return a folder in memory where there is one: hundreds of projects are opened, each with a synced database."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108


if __name__ == "__main__":
    sys.exit(run())
