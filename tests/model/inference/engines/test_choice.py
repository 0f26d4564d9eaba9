from __future__ import annotations

import gc
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from model.graphs import timing
from model.graphs.prepare import prepare
from model.inference.device import DeviceError
from model.inference.engines import choice
from model.inference.engines.engine_record import EngineRecord, Rounding, machine, read_record, write_record
from model.inference.engines.onnx_engine import OnnxEngine
from model.inference.engines.torch_engine import TorchEngine
from model.inference.graph_cache import GraphPlaces, places_of
from model.inference.graph_file import write
from model.inference.predictor import Predictor
from tests.model.conftest import CATEGORIES

if TYPE_CHECKING:
    from pathlib import Path

    from model.checkpoints.checkpoint import Checkpoint
    from model.inference.graph_file import Graphs

pytestmark = pytest.mark.usefixtures("repeatable")


@pytest.fixture(autouse=True)
def prepares_without_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANNOTATOR_BF16", "0")
    monkeypatch.delenv("ANNOTATOR_PREPARE")
    from model.network.precision import fast_type

    fast_type.cache_clear()


@pytest.fixture
def places(tiny_weights: Path) -> GraphPlaces:
    found = places_of(tiny_weights)
    assert found is not None
    found.record.parent.mkdir(parents=True)
    return found


def test_where_torch_is_there_already_nothing_is_kept_from_the_collector(tiny_checkpoint: Checkpoint) -> None:
    """A training makes a predictor each epoch."""
    Predictor(tiny_checkpoint, "cpu")
    before = gc.get_freeze_count()
    Predictor(tiny_checkpoint, "cpu")
    assert gc.get_freeze_count() == before


def test_what_was_made_and_measured_once_is_not_made_again_and_computes(
    tiny_weights: Path, places: GraphPlaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert choice.is_to_prepare(tiny_weights, "cpu")
    assert isinstance(Predictor(tiny_weights, "cpu")._engine, TorchEngine)
    monkeypatch.setattr(timing, "is_busy", lambda: True)
    assert prepare(tiny_weights)
    assert choice.is_to_prepare(tiny_weights, "cpu"), "nothing is measured on a busy computer"
    monkeypatch.setattr(timing, "is_busy", lambda: False)
    assert prepare(tiny_weights)
    assert not choice.is_to_prepare(tiny_weights, "cpu")
    assert choice.is_to_prepare(tiny_weights, "cpu", has_photos=True), "8 bits have not been tried yet"
    record = read_record(places.record)
    assert record is not None
    assert record.milliseconds.keys() == {"torch", "float32"}
    monkeypatch.setenv("ANNOTATOR_ENGINE", "graphs")
    predictor = Predictor(tiny_weights, "cpu")
    assert isinstance(predictor._engine, OnnxEngine)
    assert (predictor.name, predictor.device, predictor.notice) == (str(tiny_weights), "cpu", "")
    assert predictor.categories == CATEGORIES
    assert predictor.metrics == {"note": 1}
    with pytest.raises(DeviceError, match="cuda"):
        predictor.to("cuda")
    monkeypatch.setenv("ANNOTATOR_ENGINE", "torch")
    assert isinstance(Predictor(tiny_weights, "cpu")._engine, TorchEngine)
    assert not choice.is_to_prepare(tiny_weights, "cpu")


def test_a_rule_chooses_until_something_is_measured_here(
    places: GraphPlaces, tiny_graphs: Graphs, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(places.floats, tiny_graphs)
    assert choice.preferred(places) == [places.floats]
    monkeypatch.setenv("ANNOTATOR_BF16", "1")
    assert choice.preferred(places) == [], "16-bit floats are faster than 32"
    write(places.rounded, replace(tiny_graphs, arithmetic="int8"))
    assert choice.preferred(places) == [], "nobody has said that 8 bits are as good"
    good = EngineRecord("tiny", machine(), rounding=Rounding(True, "as good", 16))
    write_record(places.record, good)
    assert choice.preferred(places) == [places.rounded, places.floats]

    def measured(**milliseconds: float) -> list[Path]:
        write_record(places.record, replace(good, milliseconds=milliseconds))  # pyrefly: ignore
        return choice.preferred(places)

    assert measured(int8=50, float32=90, torch=70) == [places.rounded, places.floats]
    assert measured(int8=50, float32=90, torch=40) == [places.rounded, places.floats], "not worth its import"
    assert measured(int8=50, float32=90, torch=30) == []
    assert measured(int8=95, float32=40, torch=90) == [places.floats]
    assert not choice.is_to_prepare(tiny_weights, "cpu", has_photos=True)
    elsewhere = machine() | {"processor": "another"}
    write_record(places.record, replace(good, machine=elsewhere, milliseconds={"int8": 50, "float32": 9, "torch": 90}))
    assert choice.preferred(places) == [places.rounded, places.floats], "by the rule"
    assert choice.is_to_prepare(tiny_weights, "cpu")
    places.record.write_text("{}")
    assert choice.preferred(places) == []
    assert choice.is_to_prepare(tiny_weights, "cpu")


def test_the_record_can_be_read(places: GraphPlaces) -> None:
    record = EngineRecord("a.safetensors", machine(), {"int8": 12.5, "torch": 30.0}, Rounding(False, "AP fell", 16))
    write_record(places.record, record)
    assert read_record(places.record) == record
    text = places.record.read_text()
    assert "AP fell" in text
    for damage in ("", "[]", text[:50], text.replace("12.5", '"fast"'), text.replace("12.5", "-1"), "[" * 100_000):
        places.record.write_text(damage)
        assert read_record(places.record) is None, damage[:60]


def test_a_library_that_cannot_be_used_is_said_and_torch_computes(
    tiny_weights: Path, tiny_graphs: Graphs, places: GraphPlaces
) -> None:
    write(places.floats, replace(tiny_graphs, parts=tiny_graphs.parts | {"classify": b"no graph at all"}))
    predictor = Predictor(tiny_weights, "cpu")
    assert isinstance(predictor._engine, TorchEngine)
    assert "ONNX Runtime cannot be used here" in predictor.notice
    places.floats.write_bytes(b"cut off")
    predictor = Predictor(tiny_weights, "cpu")
    assert isinstance(predictor._engine, TorchEngine)
    assert predictor.notice == "", "a damaged file is made again, and concerns nobody"


def test_a_crash_at_the_first_use_is_said_and_not_repeated(
    tiny_weights: Path, tiny_graphs: Graphs, places: GraphPlaces
) -> None:
    write(places.floats, tiny_graphs)
    trial = places.trial(places.floats)
    dead = 2**22 + 1  # no process has as high a number
    crashed = {"state": "begun", "process": dead, "machine": machine()}
    trial.write_text(json.dumps(crashed))
    predictor = Predictor(tiny_weights, "cpu")
    assert isinstance(predictor._engine, TorchEngine)
    assert predictor.notice.startswith("ONNX Runtime ended the program")
    assert str(trial) in predictor.notice
    trial.write_text(json.dumps(crashed | {"machine": machine() | {"onnxruntime": "99"}}))
    assert isinstance(Predictor(tiny_weights, "cpu")._engine, OnnxEngine), "another version is tried"
    assert json.loads(trial.read_text())["state"] == "well"
    write(places.floats, replace(tiny_graphs, parts=tiny_graphs.parts | {"classify": b"no graph at all"}))
    trial.unlink()
    assert isinstance(Predictor(tiny_weights, "cpu")._engine, TorchEngine)
    assert not trial.exists(), "an error is no crash"
