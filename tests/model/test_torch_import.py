from __future__ import annotations

import gc
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from model.torch_import import large_import

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_torch_works_after_its_libraries_were_opened_beforehand() -> None:
    first = "from model.torch_import import preload_torch; preload_torch()"
    code = f"{first}; import torch; print(int(torch.ones(3).sum()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "3"


@pytest.fixture(params=[True, False])
def collects(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Whether the collector runs by itself, which it does where there is no window."""
    if request.param:
        gc.enable()
    yield request.param
    gc.unfreeze()
    gc.disable()


def test_after_a_large_import_what_is_there_is_not_looked_through_again(collects: bool) -> None:
    before = gc.get_freeze_count()
    with large_import():
        assert not gc.isenabled()
        kept = [[] for _ in range(1000)]
    assert gc.isenabled() == collects
    assert gc.get_freeze_count() >= before + len(kept)


def test_a_large_import_that_fails_leaves_the_collector_as_it_was(collects: bool) -> None:
    with pytest.raises(ImportError), large_import():
        raise ImportError("no such thing")
    assert gc.isenabled() == collects
