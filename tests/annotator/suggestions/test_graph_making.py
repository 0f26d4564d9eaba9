from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from annotator.suggestions.graph_making import GraphMaking
from model.inference.graph_cache import place_of
from model.inference.graph_file import read
from tests.tiny_model import write_tiny_model

if TYPE_CHECKING:
    from pathlib import Path

LONG = 60.0


@pytest.mark.slow  # another process that imports torch
@pytest.mark.makes_graphs
def test_graphs_are_made_beside_the_window(tmp_path: Path) -> None:
    weights = write_tiny_model(tmp_path / "tiny.safetensors")
    place = place_of(weights)
    assert place is not None
    making = GraphMaking()
    making.start([])
    making.start([str(weights)])
    deadline = time.monotonic() + LONG
    while not place.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert read(place).parts.keys() == {"encode", "classify", "masks", "keypoints"}
    making.end()


@pytest.mark.makes_graphs
def test_what_is_being_made_is_left_at_the_end(tmp_path: Path) -> None:
    weights = write_tiny_model(tmp_path / "tiny.safetensors")
    making = GraphMaking()
    making.start([str(weights)])
    making.end()
    place = place_of(weights)
    assert place is not None
    assert not place.exists()
