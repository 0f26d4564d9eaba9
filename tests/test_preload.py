from __future__ import annotations

import subprocess
import sys


def test_torch_works_after_its_libraries_were_opened_beforehand() -> None:
    code = "from annotator.preload import preload_torch; preload_torch(); import torch; print(int(torch.ones(3).sum()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "3"
