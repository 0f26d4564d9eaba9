"""What a command writes: messages on standard error; of training, JSON lines for a program or a progress bar."""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from msgspec import UNSET
from tqdm import tqdm

from dataset.i18n import tr
from dataset.messages import counted_photos
from model.protocol import (
    Done,
    Epoch,
    Estimate,
    Notice,
    Paused,
    Result,
    Resumed,
    Start,
    Stopped,
    TrainStart,
    TrainStep,
    ValidationEvent,
    encode_event,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from model.distributed import ProcessGroup
    from model.protocol import TrainingEvent

Item = TypeVar("Item")

REPORT_STEPS = 20
"""Steps whose losses one line averages."""
REPORT_SECONDS = 5.0
"""From one line about the photos to the next."""


def print_message(text: str) -> None:
    """Write a message on standard error, above a progress bar where there is one; nothing if it is empty."""
    if text:
        tqdm.write(text, file=sys.stderr)


def shared_photos(photos: Sequence[Item], group: ProcessGroup, *, lines: bool = True) -> Iterator[Item]:
    """Yield this process's share of the photos, showing the progress of all processes on standard error.

    That is a bar on a terminal; elsewhere, with `lines`, a line now and then. The others are assumed to be as far as
    the main one.
    """
    terminal = sys.stderr.isatty()
    start = last = time.monotonic()
    with tqdm(total=len(photos), unit="photo", disable=not (group.is_main and terminal)) as bar:
        for count, photo in enumerate(group.shard(photos), 1):
            yield photo
            done = min(count * group.size, len(photos))
            bar.update(done - bar.n)
            now = time.monotonic()
            is_due = now - last > REPORT_SECONDS or done == len(photos)
            if lines and group.is_main and not terminal and is_due:
                print_message(_pace(done, len(photos), now - start))
                last = now


def _pace(done: int, total: int, seconds: float) -> str:
    rate = done / max(1e-9, seconds)
    remaining = (total - done) / rate
    return tr(
        "{done} of {n} photos, {rate:.1f} a second, {remaining:.0f} s left",
        done=done, n=total, rate=rate, remaining=remaining,
    )  # fmt: skip


def event_writer(*, json_lines: bool, leads: bool) -> Callable[[TrainingEvent], None]:
    """Return the function that writes a run's records; of several processes only the main one writes."""
    if not leads:
        return _write_nothing
    return _write_json if json_lines else _bar() if sys.stdout.isatty() else _plain_lines()


def _write_nothing(event: TrainingEvent) -> None:
    """Ignore a record: the main process writes."""


def _write_json(event: TrainingEvent) -> None:
    _write(encode_event(event))


def _write(line: str) -> None:
    try:
        print(line, flush=True)  # noqa: T201 - what the command is for
    except BrokenPipeError:  # the program that read is gone: the run goes on to its end
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the process ends


def _plain_lines() -> Callable[[TrainingEvent], None]:
    """Return a function that prints a run's records as lines, one for many steps."""
    sums: dict[str, float] = defaultdict(float)
    count = 0

    def on_event(event: TrainingEvent) -> None:
        nonlocal count
        if not isinstance(event, TrainStep):
            if text := _text(event):
                _write(text)
            return
        count += 1
        for name, value in event.losses.items():
            sums[name] += value or 0.0
        if count == REPORT_STEPS:
            means = "  ".join(f"{name} {value / count:.3f}" for name, value in sums.items())
            where = tr(
                "{share:6.1%}  step {step}  epoch {epoch}  {seconds:.0f} s",
                share=event.share,
                step=event.step,
                epoch=event.epoch,
                seconds=event.seconds,
            )
            _write(f"{where}  {means}")
            sums.clear()
            count = 0

    return on_event


def _bar() -> Callable[[TrainingEvent], None]:
    """Return a function that shows a run's records as a progress bar on a terminal."""
    form = "{l_bar}{bar}| {elapsed}<{remaining}{postfix}"
    bar = tqdm(total=1.0, bar_format=form)

    def on_event(event: TrainingEvent) -> None:
        if isinstance(event, TrainStep):
            bar.n = event.share
            loss = sum(value or 0.0 for value in event.losses.values())
            text = tr("epoch {epoch}, step {step}, loss {loss:.2f}", epoch=event.epoch + 1, step=event.step, loss=loss)
            bar.set_postfix_str(text)
        elif text := _text(event):
            tqdm.write(text)
        if isinstance(event, Done):
            bar.close()

    return on_event


def _text(event: TrainingEvent) -> str:  # noqa: C901, PLR0911, PLR0912 - a line for each kind of record
    """Return a record other than that of a step as text; empty for those that only a program needs."""
    match event:
        case TrainStart():
            return _start(event)
        case Resumed(step, epoch):
            if step is UNSET or epoch is UNSET:
                return tr("Going on")
            return tr("Going on at step {step} of epoch {epoch}", step=step, epoch=epoch + 1)
        case Epoch():
            return _epoch(event)
        case Estimate(seconds):
            return tr("It takes about {n} min in all", n=max(1, round(seconds / 60)))
        case ValidationEvent():
            return _validation(event)
        case Notice(text):
            return text
        case Result():
            return f"{event.sentence} {event.kept}".rstrip()
        case Paused():
            return tr("Paused")
        case Stopped(resumable):
            if resumable:
                return tr("Stopped: with --resume the same command goes on")
            return tr("Stopped before there was anything to save")
        case Done(output):
            return tr("Done: {file}", file=output)
        case _:
            return ""


def _start(event: TrainStart) -> str:
    photos, names = counted_photos(event.photos), ", ".join(event.classes)
    if not isinstance(event, Start):
        return tr("Training on {photos}: {classes}", photos=photos, classes=names)
    text = tr(
        "Training on {photos}: {classes}; measuring on {val}, {short_side} pixels, freeze {freeze}",
        photos=photos,
        classes=names,
        val=event.val,
        short_side=event.short_side,
        freeze=event.freeze,
    )
    return "\n".join([*event.problems, text])


def _epoch(event: Epoch) -> str:
    text = tr("Epoch {epoch} done after {seconds:.0f} s", epoch=event.epoch, seconds=event.seconds)
    values = ", ".join(_ap(kind, metrics["AP"]) for kind, metrics in event.metrics.items())
    return f"{text}: {values}" if values else text


def _validation(event: ValidationEvent) -> str:
    found = {"mask": event.mask_ap, "box": event.box_ap, "keypoint": event.keypoint_ap}
    values = ", ".join(_ap(kind, value) for kind, value in found.items() if value is not None)
    if event.epoch:
        return tr("Epoch {epoch}: {metrics}", epoch=event.epoch, metrics=values)
    return tr("Before training: {metrics}", metrics=values)


def _ap(kind: str, value: float) -> str:
    return tr("{kind} AP {value:.3f}", kind=kind, value=value)
