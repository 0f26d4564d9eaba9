from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from model.torch_import import large_import


def test_torch_works_after_its_libraries_were_opened_beforehand() -> None:
    first = "from model.torch_import import preload_torch; preload_torch()"
    code = f"{first}; import torch; print(int(torch.ones(3).sum()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "3"


def test_after_a_large_import_what_is_there_is_not_looked_through_again() -> None:
    before = gc.get_freeze_count()
    with large_import():
        assert not gc.isenabled()
        kept = [[] for _ in range(1000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(kept)
    gc.unfreeze()


def test_a_large_import_that_fails_leaves_the_collector_on() -> None:
    with pytest.raises(ImportError), large_import():
        raise ImportError("no such thing")
    assert gc.isenabled()
    gc.unfreeze()
