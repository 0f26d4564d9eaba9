from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from dataset import regular_files
from model.checkpoints import checkpoint as files
from model.checkpoints.names import BUILTIN_GRAPHS
from model.inference import graph_cache

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from model.checkpoints.checkpoint import Checkpoint


def test_other_weights_in_the_same_file_have_other_graphs(tiny_checkpoint: Checkpoint, tiny_weights: Path) -> None:
    before = graph_cache.places_of(tiny_weights)
    files.write(tiny_weights, replace(tiny_checkpoint, metrics={"note": 2}))
    assert graph_cache.places_of(tiny_weights) != before
    assert graph_cache.places_of(tiny_weights.with_name("none.safetensors")) is None


def test_a_file_is_read_once(tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def count(file: Path) -> object:
        opened.append(file)
        return regular_files.open_regular(file)

    monkeypatch.setattr(graph_cache, "open_regular", count)
    assert graph_cache.places_of(tiny_weights) == graph_cache.places_of(tiny_weights)
    assert opened == [tiny_weights]


def test_the_shipped_graphs_are_where_they_were_shipped_and_what_is_known_of_them_is_in_the_cache() -> None:
    places = graph_cache.places_of("builtin")
    assert places is not None
    assert (places.is_shipped, places.rounded) == (True, BUILTIN_GRAPHS)
    assert {places.record.parent, places.trial(BUILTIN_GRAPHS).parent} == {graph_cache.cache_folder()}


def test_the_cache_keeps_the_models_that_were_made_last(tmp_path: Path) -> None:
    for age in range(4):
        for suffix in (".graphs", ".int8.graphs", ".json", ".int8.trial"):
            file = tmp_path / f"{age}{suffix}"
            file.write_bytes(b"")
            os.utime(file, (1000 - age, 1000 - age))
    (tmp_path / "else").write_bytes(b"")
    graph_cache.tidy(tmp_path, keep=2)
    assert {file.name.partition(".")[0] for file in tmp_path.iterdir()} == {"0", "1", "else"}
    assert len(list(tmp_path.iterdir())) == 9
