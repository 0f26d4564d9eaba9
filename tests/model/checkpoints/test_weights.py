from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from model.checkpoints import checkpoint, weights
from model.checkpoints.checkpoint import Checkpoint
from model.checkpoints.safetensors_file import read_tensors
from model.checkpoints.torchvision_weights import OFFICIAL
from model.checkpoints.weights import WeightsError
from model.config import ModelConfig, to_dict
from model.network.build import build

pytestmark = pytest.mark.usefixtures("repeatable")


def rewritten(path: Path, target: Path, **header: str) -> Path:
    """The same tensors under another header."""
    metadata, state = read_tensors(path)
    save_file(state, target, {**metadata, **header})
    return target


def test_a_checkpoint_comes_back_as_it_was(tiny_checkpoint: Checkpoint, tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.safetensors"
    checkpoint.write(path, tiny_checkpoint)
    read = weights.load(path)
    assert (read.config, read.categories, read.metrics) == (
        tiny_checkpoint.config,
        tiny_checkpoint.categories,
        tiny_checkpoint.metrics,
    )
    assert read.state.keys() == tiny_checkpoint.state.keys()
    assert all(torch.equal(read.state[name], value) for name, value in tiny_checkpoint.state.items())
    assert [p.name for p in path.parent.iterdir()] == ["a.safetensors"]


def test_half_size(tiny_checkpoint: Checkpoint, tmp_path: Path) -> None:
    full, half = tmp_path / "full.safetensors", tmp_path / "half.safetensors"
    checkpoint.write(full, tiny_checkpoint)
    checkpoint.write(half, tiny_checkpoint, half=True)
    assert half.stat().st_size < 0.55 * full.stat().st_size
    network = weights.network_of(weights.load(half))
    assert all(p.dtype == torch.float32 for p in network.parameters())


def test_a_failed_write_leaves_the_old_file(
    tiny_checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.safetensors"
    checkpoint.write(path, tiny_checkpoint)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        checkpoint.write(path, replace(tiny_checkpoint, metrics={"other": 2}))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty.safetensors", b""),
        ("text.safetensors", b"these are not weights"),
        ("pickle.pth", pickle.dumps({"weights": [1, 2]})),
        ("zeros.safetensors", bytes(1000)),
        ("huge header.safetensors", (2**62).to_bytes(8, "little") + b"{}"),
    ],
)
def test_what_is_no_checkpoint_is_refused_by_name(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(WeightsError) as caught:
        weights.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_pickle_is_never_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "ran",)

    path = tmp_path / "trap.safetensors"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(WeightsError):
        weights.load(path)
    torch.save({"trap": Trap()}, path)
    with pytest.raises(WeightsError):
        weights.load(path)
    assert not (tmp_path / "ran").exists()


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(WeightsError, match="no weights"):
            weights.load(path)


def test_numbers_that_are_none(tiny_checkpoint: Checkpoint, tmp_path: Path) -> None:
    state = {name: value.clone() for name, value in tiny_checkpoint.state.items()}
    state["rpn.head.cls_logits.bias"].fill_(float("nan"))
    path = tmp_path / "nan.safetensors"
    checkpoint.write(path, Checkpoint(tiny_checkpoint.config, tiny_checkpoint.categories, state))
    with pytest.raises(WeightsError, match=r"nan\.safetensors holds numbers that are not finite"):
        weights.load(path)
    with pytest.raises(WeightsError, match="No weights are named"):
        weights.load("")


def test_a_truncated_checkpoint(tiny_weights: Path) -> None:
    tiny_weights.write_bytes(tiny_weights.read_bytes()[:-1000])
    with pytest.raises(WeightsError, match="missing"):
        weights.load(tiny_weights)


def test_other_tensors_and_damaged_headers(tiny_weights: Path, tmp_path: Path) -> None:
    target = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(2)}, target)
    with pytest.raises(WeightsError, match="something else"):
        weights.load(target)
    tiny = to_dict(weights.load(tiny_weights).config)
    for header in (
        {"config": "not json"},
        {"config": "[]"},
        {"config": json.dumps({**tiny, "surprise": 1})},
        {"config": json.dumps({**tiny, "backbone": "vgg"})},
        {"config": json.dumps({**tiny, "channels": "many"})},
        {"config": json.dumps({**tiny, "channels": 10**12})},
        {"config": json.dumps({**tiny, "anchor_sizes": []})},
        {"config": json.dumps({**tiny, "classes": 99_999})},
        {"categories": "[]"},
        {"categories": '[{"id": 1}, {"id": 2}]'},
        {"categories": '[{"id": 1, "name": "a", "keypoints": ["x"]}, {"id": 2, "name": "b"}]'},
    ):
        with pytest.raises(WeightsError) as caught:
            weights.load(rewritten(tiny_weights, target, **header))
        assert str(target) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_shapes_that_the_config_does_not_have(tiny_weights: Path, tmp_path: Path) -> None:
    wide = {**to_dict(weights.load(tiny_weights).config), "box_width": 16_000}
    target = rewritten(tiny_weights, tmp_path / "wide.safetensors", config=json.dumps(wide))
    with pytest.raises(WeightsError, match="has the shape"):
        weights.load(target)


def test_coco_weights_come_from_the_cache_of_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    entry = OFFICIAL["coco"]
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    path = folder / Path(entry.weights().url).name
    state = build(entry.config).state_dict()
    torch.save(state, path)
    read = weights.load("coco")
    assert read.config == ModelConfig(classes=90)
    assert len(read.categories) == 90
    assert (read.categories[0].name, read.categories[-1].name) == ("person", "toothbrush")
    assert torch.equal(read.state["backbone.body.conv1.weight"], state["backbone.body.conv1.weight"])

    path.write_bytes(b"damaged")
    with pytest.raises(WeightsError, match="delete it"):
        weights.load("coco")
    torch.save({"a": torch.zeros(1)}, path)
    with pytest.raises(WeightsError, match="delete it"):
        weights.load("coco")


def test_what_is_fetched_is_said_on_standard_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr("urllib.request.OpenerDirector.open", _offline)
    with pytest.raises(WeightsError):
        weights.load("coco")
    out, err = capsys.readouterr()
    assert out == ""
    assert "Downloading" in err


def test_coco_weights_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr("urllib.request.OpenerDirector.open", _offline)
    with pytest.raises(WeightsError, match="without a network"):
        weights.load("coco")


def _offline(*_: object, **__: object) -> None:
    from urllib.error import URLError

    raise URLError("offline")


def test_weights_in_use_outlive_their_file(tiny_weights: Path) -> None:
    """Were they mapped, a look at them would end the process with a bus error."""
    code = (
        "import sys; from pathlib import Path; from model.checkpoints import weights\n"
        "from model.network.build import build\n"
        "file = Path(sys.argv[1]); checkpoint = weights.load(file); network = build(checkpoint.config)\n"
        "network.load_state_dict(checkpoint.state, assign=True); file.write_bytes(b'')\n"
        "print(bool(sum(float(p.sum()) for p in network.parameters()) < float('inf')), file.stat().st_size)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tiny_weights)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["True", "0"]), done.stderr


def test_a_network_shares_nothing_with_its_checkpoint(tiny_checkpoint: Checkpoint) -> None:
    network = weights.network_of(tiny_checkpoint)
    own = {value.data_ptr() for value in network.state_dict().values() if value.numel()}
    assert own.isdisjoint(value.data_ptr() for value in tiny_checkpoint.state.values() if value.numel())
