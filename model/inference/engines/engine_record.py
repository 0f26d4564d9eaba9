"""What is known of the engines for some weights on this computer: how fast they are, and whether 8 bits will do.

A file that people can read, beside the graphs in the cache. Without one, or where it is damaged or of another computer,
`model.inference.engines.choice` goes by a rule, and the file is made again in the background.
"""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Literal

from dataset.atomic_files import write_bytes
from dataset.regular_files import read_regular
from model.inference.engines.threads import threads
from model.inference.graph_file import FORMAT as GRAPHS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

FORMAT = "annotator-engines-2"
EngineName = Literal["int8", "float32", "torch"]
"""Graphs in 8-bit integers, in floats, or torch in the precision that it is fastest in."""
NAMES: tuple[EngineName, ...] = ("int8", "float32", "torch")
"""Those that are preferred come first."""
FASTER: dict[EngineName, float] = {"int8": 1.0, "float32": 0.9, "torch": 0.75}
"""Share of the time of one that is preferred which another may take to be chosen in its place. What was measured is
hardly ever true to a tenth; and torch takes seconds to be there, and hundreds of megabytes."""


@dataclass(frozen=True)
class Rounding:
    """What became of graphs in 8 bits."""

    used: bool
    """Whether they find what those in floats find."""
    why: str
    """What was measured, for whoever reads the file."""
    photos: int
    """On how many photos they were calibrated."""


@dataclass(frozen=True)
class EngineRecord:
    """What is known of the engines for some weights."""

    weights: str
    """Their name or file, for whoever reads the file."""
    machine: dict[str, str]
    """What the times are true of."""
    milliseconds: Mapping[str, float] = field(default_factory=dict)
    """Best time of a photo by the name of the engine; empty before it was measured here."""
    rounding: Rounding | None = None
    """None where 8 bits were not tried."""

    def fastest(self, names: Collection[str]) -> EngineName | None:
        """Return which of some engines is to compute; None where they were not measured on this computer."""
        if self.machine != machine():
            return None
        best: EngineName | None = None
        for name in NAMES:
            time = self.milliseconds.get(name) if name in names else None
            if time is not None and (best is None or time < FASTER[name] * self.milliseconds[best]):
                best = name
        return best


@cache
def _versions() -> dict[str, str]:
    found = {}
    for name in ("onnxruntime", "torch"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = ""
    return found


@cache
def _processor() -> str:
    try:
        lines = read_regular("/proc/cpuinfo").decode(errors="replace").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.split()[:2] == ["model", "name"])
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def machine() -> dict[str, str]:
    """Return all that the times of engines depend on."""
    return {
        "processor": _processor(),
        "threads": str(threads()),
        "bfloat16": os.environ.get("ANNOTATOR_BF16", ""),
        "graphs": GRAPHS,
        **_versions(),
    }


def read_record(path: Path) -> EngineRecord | None:
    """Return the record of a file; None where there is none, or one that is damaged or of another version."""
    try:
        content = json.loads(read_regular(path))
        if content["format"] != FORMAT:
            return None
        times = {str(name): float(time) for name, time in content["milliseconds"].items()}
        own = {str(key): str(value) for key, value in content["machine"].items()}
        rounding = content["int8"]
        if rounding is not None:
            rounding = Rounding(rounding["used"] is True, str(rounding["why"]), int(rounding["photos"]))
        if not all(0 < time < float("inf") for time in times.values()):
            return None
        return EngineRecord(str(content["weights"]), own, times, rounding)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def write_record(path: Path, record: EngineRecord) -> None:
    """Write a record.

    Raises:
        OSError: The file cannot be written.
    """
    content = {
        "format": FORMAT,
        "weights": record.weights,
        "machine": record.machine,
        "milliseconds": {name: round(time, 1) for name, time in record.milliseconds.items()},
        "int8": asdict(record.rounding) if record.rounding else None,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, json.dumps(content, indent=1, ensure_ascii=False).encode())
