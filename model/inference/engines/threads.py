"""How many threads compute on a CPU."""

from __future__ import annotations

import os


def threads() -> int:
    """Return how many threads compute: one a core that this process may use."""
    wish = os.environ.get("OMP_NUM_THREADS", "")
    if wish.isdigit() and int(wish) > 0:
        return int(wish)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
