"""The processes that `torchrun` started; a single process is a group of one, and needs no torch for it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch

Item = TypeVar("Item")


@dataclass(frozen=True)
class ProcessGroup:
    """This process among those that share one job: rank, world size and collective operations."""

    rank: int = 0
    size: int = 1
    """Number of processes (torch.distributed's world size)."""

    @classmethod
    def init(cls, device: str) -> Self:
        """Return the group of the processes that `torchrun` started, or that of this process alone.

        On `cuda` each uses the GPU of its local rank; on `auto`, where there are fewer GPUs, several share one.
        """
        size = int(os.environ.get("WORLD_SIZE", "1"))
        if size == 1:
            return cls()
        import torch  # noqa: PLC0415
        from torch import distributed  # noqa: PLC0415

        number = int(os.environ.get("LOCAL_RANK", "0"))
        if device == "cuda":
            torch.cuda.set_device(number)
        elif device == "auto" and torch.cuda.is_available():
            torch.cuda.set_device(number % torch.cuda.device_count())
        if not distributed.is_initialized():
            distributed.init_process_group("nccl" if device == "cuda" else "gloo")
        return cls(distributed.get_rank(), size)

    @property
    def is_main(self) -> bool:
        """Whether this is the process of rank 0, the only one that writes files and prints messages."""
        return self.rank == 0

    def shard(self, items: Sequence[Item]) -> list[Item]:
        """Return this process's part of the items: every `size`-th, from its rank on."""
        return list(items[self.rank :: self.size])

    def mean_count(self, count: float, device: torch.device) -> float:
        """Return the mean over the processes of a count.

        Gradients are averaged over the processes. A sum of losses over this process's items, divided by this mean,
        therefore gives the gradient that one process with all the items would have.
        """
        if self.size == 1:
            return count
        import torch  # noqa: PLC0415
        from torch import distributed  # noqa: PLC0415

        total = torch.tensor([count], dtype=torch.float64, device=device)
        distributed.all_reduce(total)
        return float(total) / self.size

    def broadcast(self, value: float, device: torch.device) -> float:
        """Return the value of the process of rank 0, in all of them."""
        if self.size == 1:
            return value
        import torch  # noqa: PLC0415
        from torch import distributed  # noqa: PLC0415

        common = torch.tensor([value], dtype=torch.float64, device=device)
        distributed.broadcast(common, 0)
        return float(common)

    def all_gather(self, mine: list[Item]) -> list[list[Item]]:
        """Return what each process has, in the order of their ranks, in all of them."""
        if self.size == 1:
            return [mine]
        from torch import distributed  # noqa: PLC0415

        everyone: list[list[Item]] = [[] for _ in range(self.size)]
        distributed.all_gather_object(everyone, mine)
        return everyone

    def run_on_all(self, work: Callable[[], Item]) -> Item:
        """Return what `work` returns in this process; where it raises in any of them, all raise that error.

        So the message can be printed by one of them, and none is blocked in a collective operation by another that has
        ended.
        """
        if self.size == 1:
            return work()
        results: list[Item] = []
        errors: list[Exception] = []
        try:
            results.append(work())
        except Exception as error:  # noqa: BLE001 - raised again below, in all of them
            errors.append(error)
        for error in (error for part in self.all_gather(errors) for error in part):
            raise error
        return results[0]

    def barrier(self) -> None:
        """Block until every process has called this."""
        if self.size > 1:
            from torch import distributed  # noqa: PLC0415

            distributed.barrier()

    def destroy(self) -> None:
        """Close the connections between the processes."""
        if self.size > 1:
            from torch import distributed  # noqa: PLC0415

            if distributed.is_initialized():
                distributed.destroy_process_group()
