from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch

from model.training import periodic_save, trainer
from model.training.early_stopping import PATIENCE, BestCheckpoint
from model.training.periodic_save import PeriodicSave
from model.training.trainer import Trainer
from tests.model.training.test_training import QUICK, tiny_trainer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("repeatable")


@pytest.fixture
def run(coco_file: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trainer:
    """Two epochs of three batches, whose steps take no time."""
    monkeypatch.setattr(Trainer, "step", count)
    return tiny_trainer(coco_file(3), tmp_path / "a.safetensors", replace(QUICK, batch=1))


def count(self: Trainer, _: Any) -> dict[str, float]:
    self.progress.step += 1
    return {"mask": 1.0}


def test_callables_are_called_in_the_order_of_the_loop(run: Trainer) -> None:
    calls: list[str] = []

    def validate() -> bool:
        calls.append("validate")
        return run.progress.step == 2

    run.fit(
        run.batches,
        lambda *_: calls.append("step"),
        done=lambda: run.progress.epoch == 1,
        save=PeriodicSave(lambda: calls.append("save"), 1000),
        on_epoch=lambda: calls.append("epoch"),
        check=lambda: calls.append("check"),
        validate=validate,
    )
    one = ["check", "step", "validate"]
    assert calls == [*one, *one, "save", *one, "epoch"]
    assert (run.progress.epoch, run.progress.batch, run.progress.step) == (1, 0, 3)


@pytest.mark.parametrize("early", [False, True])
def test_an_epoch_that_is_cut_short_keeps_its_place(run: Trainer, *, early: bool) -> None:
    stopping, epochs = BestCheckpoint(score=1.0), []

    def validate() -> bool:
        if early and run.progress.step == 2:
            for _ in range(PATIENCE):
                stopping.update(0.0, 1, {"a": torch.zeros(1)})
        return False

    run.fit(
        run.batches,
        lambda *_: None,
        done=lambda: not early and run.progress.step == 2,
        on_epoch=lambda: epochs.append(run.progress.batch),
        validate=validate,
        stopping=stopping,
    )
    assert (run.progress.epoch, run.progress.batch, epochs) == (0, 2, [2])


@pytest.mark.parametrize("count_loading", [False, True])
def test_time_between_steps_counts_or_not(
    run: Trainer, monkeypatch: pytest.MonkeyPatch, *, count_loading: bool
) -> None:
    now = [0.0]
    monkeypatch.setattr(trainer.time, "monotonic", lambda: now[0])

    def wait() -> None:
        now[0] += 10

    def done() -> bool:
        return run.progress.step == 3

    run.fit(run.batches, lambda *_: None, done=done, check=wait, count_loading=count_loading)
    assert run.progress.seconds == (30 if count_loading else 0)


def test_a_save_is_due_after_the_first_and_then_after_so_many_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now, saved = [0.0], []
    monkeypatch.setattr(periodic_save.time, "monotonic", lambda: now[0])
    save = PeriodicSave(lambda: saved.append(now[0]), 120, first=15)
    due = []
    for second in range(0, 300, 10):
        now[0] = float(second)
        if save.due():
            due.append(second)
            save()
    assert due == saved == [20, 150, 280]
