"""Several processes that do one job, as `torchrun` starts them; a single process is a team of one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import distributed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Item = TypeVar("Item")


@dataclass(frozen=True)
class ProcessGroup:
    """Which of how many processes this is."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the one process that writes files and reports."""
        return self.rank == 0

    def share(self, items: Sequence[Item]) -> list[Item]:
        """Return the items that are this process's: every `size`-th, from its rank on."""
        return list(items[self.rank :: self.size])

    def mean_total(self, count: float, device: torch.device) -> float:
        """Return the mean over the processes of a count.

        Gradients are averaged over the processes. A sum of losses over this process's items, divided by this mean,
        therefore gives the gradient that one process with all the items would have.
        """
        if self.size == 1:
            return count
        total = torch.tensor([count], dtype=torch.float64, device=device)
        distributed.all_reduce(total)
        return float(total) / self.size

    def agree(self, value: float, device: torch.device) -> float:
        """Return the first process's value, in all of them."""
        if self.size == 1:
            return value
        common = torch.tensor([value], dtype=torch.float64, device=device)
        distributed.broadcast(common, 0)
        return float(common)

    def gather(self, mine: list[Item]) -> list[list[Item]]:
        """Return what each process has, in the order of their ranks, in all of them."""
        if self.size == 1:
            return [mine]
        everyone: list[list[Item]] = [[] for _ in range(self.size)]
        distributed.all_gather_object(everyone, mine)
        return everyone

    def together(self, work: Callable[[], Item]) -> Item:
        """Do the same in every process, and return what came of it; where it fails in one, all of them raise the error.

        So one of them can say it for all, and none waits for another that has ended.
        """
        if self.size == 1:
            return work()
        results: list[Item] = []
        errors: list[Exception] = []
        try:
            results.append(work())
        except Exception as error:  # noqa: BLE001 - raised again below, in all of them
            errors.append(error)
        for error in (error for part in self.gather(errors) for error in part):
            raise error
        return results[0]

    def wait(self) -> None:
        """Return when every process has come here."""
        if self.size > 1:
            distributed.barrier()


def join(device: str) -> ProcessGroup:
    """Join the processes that `torchrun` started, or be alone.

    On `cuda` each takes the GPU of its local rank; on `auto` they take turns where there are fewer GPUs.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return ProcessGroup()
    number = int(os.environ.get("LOCAL_RANK", "0"))
    if device == "cuda":
        torch.cuda.set_device(number)
    elif device == "auto" and torch.cuda.is_available():
        torch.cuda.set_device(number % torch.cuda.device_count())
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if device == "cuda" else "gloo")
    return ProcessGroup(distributed.get_rank(), size)


def leave(team: ProcessGroup) -> None:
    """End the team's connections."""
    if team.size > 1 and distributed.is_initialized():
        distributed.destroy_process_group()
