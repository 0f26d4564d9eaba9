"""How a command tells what it does: sentences, and of training JSON lines for a program, a progress bar for people."""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

if TYPE_CHECKING:
    from collections.abc import Callable

REPORT_STEPS = 20
"""Steps that one line for people is about."""


def say(text: str) -> None:
    """Write a sentence for people on standard error, above a progress bar where there is one."""
    tqdm.write(text, file=sys.stderr)


def choose(*, json_lines: bool, leads: bool) -> Callable[[dict[str, Any]], None]:
    """Return what takes a run's records; of a team of processes only the one that leads reports."""
    if not leads:
        return _silence
    return _json_lines if json_lines else _bar() if sys.stdout.isatty() else _plain_lines()


def _silence(record: dict[str, Any]) -> None:
    """Take no notice of a record: one process of a team reports."""


def _json_lines(record: dict[str, Any]) -> None:
    _write(json.dumps(record))


def _write(line: str) -> None:
    try:
        print(line, flush=True)  # noqa: T201 - what the command is for
    except BrokenPipeError:  # the program that listened is gone: the run goes on to its end
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the process ends


def _plain_lines() -> Callable[[dict[str, Any]], None]:
    """Return what prints a run's records as lines, one for many steps."""
    sums: dict[str, float] = defaultdict(float)
    count = 0

    def report(record: dict[str, Any]) -> None:
        nonlocal count
        if record["event"] != "step":
            if text := _sentence(record):
                _write(text)
            return
        count += 1
        for name, value in record["losses"].items():
            sums[name] += value
        if count == REPORT_STEPS:
            means = "  ".join(f"{name} {value / count:.3f}" for name, value in sums.items())
            where = f"{record['share']:6.1%}  step {record['step']}  epoch {record['epoch']}  {record['seconds']:.0f} s"
            _write(f"{where}  {means}")
            sums.clear()
            count = 0

    return report


def _bar() -> Callable[[dict[str, Any]], None]:
    """Return what shows a run's records as a progress bar on a terminal."""
    form = "{l_bar}{bar}| {elapsed}<{remaining}{postfix}"
    bar = tqdm(total=1.0, bar_format=form)

    def report(record: dict[str, Any]) -> None:
        if record["event"] == "step":
            bar.n = record["share"]
            loss = sum(record["losses"].values())
            bar.set_postfix_str(f"epoch {record['epoch'] + 1}, step {record['step']}, loss {loss:.2f}")
        elif text := _sentence(record):
            tqdm.write(text)
        if record["event"] == "done":
            bar.close()

    return report


def _sentence(record: dict[str, Any]) -> str:
    """Return a record other than that of a step as text for people; nothing for those that only a program needs."""
    write = _WORDS.get(record["event"])
    return write(record) if write else ""


def _start(record: dict[str, Any]) -> str:
    photos = f"{record['photos']} photo{'s' if record['photos'] != 1 else ''}"
    text = f"Training on {photos}: {', '.join(record['classes'])}"
    if "val" in record:
        text += f"; measuring on {record['val']}, {record['short_side']} pixels, freeze {record['freeze']}"
    return "\n".join([*record.get("problems", ()), text])


def _resumed(record: dict[str, Any]) -> str:
    return f"Going on at step {record['step']} of epoch {record['epoch'] + 1}" if "step" in record else "Going on"


def _epoch(record: dict[str, Any]) -> str:
    kinds = record.get("metrics") or {}
    text = ", ".join(f"{kind} AP {figures['AP']:.3f}" for kind, figures in kinds.items())
    return f"Epoch {record['epoch']} done after {record['seconds']:.0f} s{': ' if text else ''}{text}"


def _validation(record: dict[str, Any]) -> str:
    figures = {kind: record[f"{kind}_ap"] for kind in ("mask", "box", "keypoint")}
    text = ", ".join(f"{kind} AP {value:.3f}" for kind, value in figures.items() if value is not None)
    return f"{f'Epoch {epoch}' if (epoch := record['epoch']) else 'Before training'}: {text}"


_NOTHING = " before there was anything to save"
_WORDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "start": _start,
    "resumed": _resumed,
    "epoch": _epoch,
    "estimate": lambda record: f"It takes about {max(1, round(record['seconds'] / 60))} min in all",
    "validation": _validation,
    "notice": lambda record: record["text"],
    "result": lambda record: f"{record['sentence']} {record['kept']}".rstrip(),
    "paused": lambda _: "Paused",
    "stopped": lambda r: "Stopped" + (": with --resume the same command goes on" if r["resumable"] else _NOTHING),
    "done": lambda record: f"Done: {record['output']}",
}
