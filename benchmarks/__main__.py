"""Run every benchmark, each in a process of its own."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import benchmarks

HELPERS = {"__main__", "photos", "report", "running"}


def run() -> int:
    """Run them one after the other; the status of the last that failed, or 0."""
    status = 0
    for name in sorted(m.name for m in pkgutil.iter_modules(benchmarks.__path__) if m.name not in HELPERS):
        print(f"\n{name}", flush=True)
        status = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode or status
    return status


if __name__ == "__main__":
    sys.exit(run())
