"""Run every benchmark, each in a process of its own, and print one table."""

from __future__ import annotations

import argparse
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import benchmarks
from benchmarks.report import Record, machine, table

BFLOAT16_VARIABLE = "ANNOTATOR_BF16"  # `model.network.precision` has it, and imports torch

HELPERS = {"__main__", "corrections", "effort_plot", "paper", "photos", "processes", "report", "running"}
LONG = {"ablation", "clicks", "found", "human_effort", "large_pictures", "stress"}  # long, large, or in need of photos


def run() -> int:
    """Run them one after the other, print one table, and return how many failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--json", type=Path, help="write all records here")
    parser.add_argument("--without-bf16", action="store_true", help="measure as if the processor had no 16-bit floats")
    args = parser.parse_args()
    environment = dict(os.environ) | ({BFLOAT16_VARIABLE: "0"} if args.without_bf16 else {})
    records: list[Record] = []
    failed: list[str] = []
    names = sorted(m.name for m in pkgutil.iter_modules(benchmarks.__path__) if m.name not in HELPERS | LONG)
    with tempfile.TemporaryDirectory() as folder:
        for i, name in enumerate(names, 1):
            print(f"{i} of {len(names)}: {name}", file=sys.stderr, flush=True)
            file = Path(folder) / f"{name}.json"
            command = [sys.executable, "-m", f"benchmarks.{name}", "--json", str(file)]
            done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
            if done.returncode or not file.is_file():
                failed.append(name)
                print(done.stderr, file=sys.stderr)
                continue
            found = [Record(**record) for record in json.loads(file.read_text(encoding="utf-8"))["records"]]
            records += [replace(record, name=f"{name}: {record.name.strip()}") for record in found]
    print(table(records))
    if args.json:
        content = {"machine": machine(), "records": [record.as_dict() for record in records]}
        args.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    for name in failed:
        print(f"{name} failed: see above.", file=sys.stderr)
    return len(failed)


if __name__ == "__main__":
    sys.exit(run())
