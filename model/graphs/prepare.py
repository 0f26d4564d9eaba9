"""Make the graphs of weights and keep them, so that the next prediction on a CPU needs no torch.

python -m model.graphs.prepare WEIGHTS [WEIGHTS]
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from model.checkpoints.weights import load
from model.graphs.export import UnsupportedError, export
from model.inference.graph_cache import place_of, tidy
from model.inference.graph_file import write

if TYPE_CHECKING:
    from pathlib import Path


def prepare(weights: str | Path) -> bool:
    """Make the graphs of weights, unless they are there, and return whether there are any then.

    Raises:
        model.checkpoints.weights.WeightsError: The weights cannot be used.
        OSError: The graphs cannot be written.
    """
    place = place_of(weights)
    if place is None:
        return False
    if not place.is_file():
        try:
            graphs = export(load(weights))
        except UnsupportedError:
            return False  # torch goes on computing
        place.parent.mkdir(parents=True, exist_ok=True)
        write(place, graphs)
        tidy(place.parent)
    return True


def main() -> int:
    """Make those of all that are named; 0 if all are there then."""
    made = [prepare(weights) for weights in sys.argv[1:]]
    return 0 if all(made) else 1


if __name__ == "__main__":
    sys.exit(main())
