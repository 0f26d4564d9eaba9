from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from annotator.suggestions.graph_making import ENOUGH_PHOTOS, GraphMaking, Preparation
from annotator.suggestions.source import AnswerSource
from model.graphs.rounding import ENOUGH
from model.inference.graph_cache import places_of
from model.inference.graph_file import read
from tests.tiny_model import write_tiny_model

if TYPE_CHECKING:
    from pathlib import Path

LONG = 60.0


@pytest.mark.slow  # another process that imports torch
def test_graphs_are_made_beside_the_window(tmp_path: Path) -> None:
    weights = write_tiny_model(tmp_path / "tiny.safetensors")
    places = places_of(weights)
    assert places is not None
    making = GraphMaking()
    assert not making.start([])
    assert making.start([str(weights)])
    assert not making.start([str(weights)]), "one at a time"
    deadline = time.monotonic() + LONG
    while not places.record.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert read(places.floats).parts.keys() == {"encode", "classify", "masks", "keypoints"}
    making.end()


def test_what_is_being_made_is_left_at_the_end(tmp_path: Path) -> None:
    weights = write_tiny_model(tmp_path / "tiny.safetensors")
    making = GraphMaking()
    making.start([str(weights)])
    making.end()
    places = places_of(weights)
    assert places is not None
    assert not places.floats.exists()


def test_what_there_is_to_prepare_is_begun_once_for_each_model_and_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[tuple[list[str], Path | None]] = []
    monkeypatch.delenv("ANNOTATOR_PREPARE")
    monkeypatch.setattr(GraphMaking, "start", lambda _self, *given: begun.append(given) or True)
    weights = str(write_tiny_model(tmp_path / "tiny.safetensors"))
    preparation = Preparation()
    preparation.go_on(None)
    assert begun == [], "no model is in use"
    preparation.use([weights], "cpu")
    pools: Any = None  # nothing is answered
    few, many = (AnswerSource(tmp_path, pools, n) for n in (ENOUGH_PHOTOS - 1, ENOUGH_PHOTOS))
    for source in (None, few, many, many):
        preparation.go_on(source)
    assert begun == [([weights], None), ([weights], tmp_path)]
    preparation.use([weights], "cuda")
    preparation.go_on(many)
    assert len(begun) == 2
    assert ENOUGH_PHOTOS == ENOUGH
