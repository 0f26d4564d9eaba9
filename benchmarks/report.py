"""What a benchmark found: records, printed as a table and written as JSON with the machine they come from."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset.messages import UserError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Record:
    """One figure.

    Attributes:
        name: What was measured.
        value: The figure.
        unit: Its unit.
        against: What it was compared with in the same run, or "".
        ratio: value divided by the other's, or None.
        aim: What it should be, in words, or "".
        met: Whether it is, or None where there is no aim.
    """

    name: str
    value: float
    unit: str
    against: str = ""
    ratio: float | None = None
    aim: str = ""
    met: bool | None = None

    def as_dict(self) -> dict[str, Any]:
        """The record as JSON has it."""
        return asdict(self)


def machine() -> dict[str, Any]:
    """The machine and the versions that a figure depends on."""
    packages = (
        "torch",
        "torchvision",
        "PySide6-Essentials",
        "numpy",
        "opencv-python-headless",
        "shapely",
        "pycocotools",
    )
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in packages},
    }


def main(
    name: str, measure: Callable[[argparse.Namespace], list[Record]], add: Callable[..., None] | None = None
) -> None:
    """Run one benchmark as a program: parse `--json FILE` and what `add` adds, measure, print, write.

    A mistake of the person's is one sentence on standard error, and ends it with 2.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}")
    parser.add_argument("--json", type=Path, help="write the records here")
    if add:
        add(parser)
    args = parser.parse_args()
    try:
        records = measure(args)
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    print(table(records))
    if args.json:
        content = {"benchmark": name, "machine": machine(), "records": [record.as_dict() for record in records]}
        args.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def peak_memory() -> float:
    """The most memory this process has had, in MB; 0 where the system does not say."""
    status = Path("/proc/self/status")
    if status.exists():  # the other figure has what the process had that started this one
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(peak.split()[1]) / 1e3
    try:
        import resource  # noqa: PLC0415
    except ImportError:
        return 0.0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e6 if sys.platform == "darwin" else 1e3)


def table(records: list[Record]) -> str:
    """The records as aligned lines."""
    rows = [("what", "value", "against", "ratio", "aim", "")]
    rows += [
        (
            record.name,
            f"{record.value:.4g} {record.unit}",
            record.against,
            "" if record.ratio is None else f"{record.ratio:.2f}",
            record.aim,
            "" if record.met is None else "met" if record.met else "NOT MET",
        )
        for record in records
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"
