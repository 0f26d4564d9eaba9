from __future__ import annotations

import json
import os
import pickle
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from model.checkpoints import checkpoint, lineage, weights
from model.checkpoints.checkpoint import Checkpoint
from model.checkpoints.names import WeightsError
from model.checkpoints.safetensors_file import read_header, read_tensors
from model.checkpoints.torchvision_weights import OFFICIAL
from model.config import ModelConfig
from model.config_values import to_dict
from model.network.build import build

pytestmark = pytest.mark.usefixtures("repeatable")


def rewritten(path: Path, target: Path, **header: str) -> Path:
    """The same tensors under another header."""
    own = read_header(path)
    save_file(read_tensors(path, own.size), target, {**own.metadata, **header})
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


@pytest.mark.parametrize("kind", [torch.int8, torch.uint8, torch.bool, torch.int64])
@pytest.mark.parametrize("every", [True, False])
def test_numbers_of_another_type(tiny_checkpoint: Checkpoint, tmp_path: Path, kind: torch.dtype, every: bool) -> None:
    name = "rpn.head.cls_logits.bias"
    state = {n: value.to(kind) if every or n == name else value for n, value in tiny_checkpoint.state.items()}
    wrong = replace(tiny_checkpoint, state=state)
    checkpoint.write(tmp_path / "a.safetensors", wrong)
    with pytest.raises(WeightsError, match=r"a\.safetensors does not fit its network: .* of another type"):
        weights.load(tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match="of another type"):
        weights.network_of(wrong)


def test_numbers_that_are_infinite_in_the_network(tiny_checkpoint: Checkpoint, tmp_path: Path) -> None:
    state = {n: v.double() + 1e300 if v.is_floating_point() else v for n, v in tiny_checkpoint.state.items()}
    checkpoint.write(tmp_path / "a.safetensors", replace(tiny_checkpoint, state=state))
    with pytest.raises(WeightsError, match="not finite"):
        weights.load(tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    "values",
    [
        {"short_side": 16_384},
        {"short_side": 16_384, "long_side": 16_384},
        {"detections": 100_000},
        {"rpn_pre_nms": 100_000, "rpn_post_nms": 100_000},
    ],
)
def test_a_config_that_asks_for_much_memory(tiny_weights: Path, tmp_path: Path, values: dict[str, int]) -> None:
    asked = json.dumps({**to_dict(weights.load(tiny_weights).config), **values})
    target = rewritten(tiny_weights, tmp_path / "a.safetensors", config=asked)
    with pytest.raises(WeightsError, match="header is damaged"):
        weights.load(target)


def test_tensors_are_not_read_before_the_header_fits(
    tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("read")

    monkeypatch.setattr(weights, "read_tensors", refuse)
    path = tmp_path / "a.safetensors"
    data = tiny_weights.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    first = next(name for name in header if name != "__metadata__")
    changes: list[dict[str, Any]] = [
        {"shape": [2**40, 2**40]},
        {"shape": [-1]},
        {"shape": [1.5]},
        {"shape": "many"},
        {"shape": [1] * 10_000},
        {"dtype": "F4"},
        {"dtype": ["F32"]},
    ]
    for change in changes:
        text = json.dumps({**header, first: {**header[first], **change}}).encode()
        path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + size :])
        with pytest.raises(WeightsError) as caught:
            weights.load(path)
        assert len(str(caught.value)) < 500 + len(str(path))


def test_a_file_with_more_or_less_than_its_header_names(tiny_weights: Path) -> None:
    data = tiny_weights.read_bytes()
    for wrong in (data + b"\0", data[:-1]):
        tiny_weights.write_bytes(wrong)
        with pytest.raises(WeightsError, match="a part of it is missing"):
            weights.load(tiny_weights)
    tiny_weights.write_bytes(data)
    os.truncate(tiny_weights, 3 * 2**30)  # zeros that take no space on the disk, and none in memory
    begin = time.thread_time()
    with pytest.raises(WeightsError, match="a part of it is missing"):
        weights.load(tiny_weights)
    assert time.thread_time() - begin < 2


def test_names_of_any_language_and_length(tiny_checkpoint: Checkpoint, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    first, second = tiny_checkpoint.categories
    for name in ("\U0001f469\u200d\U0001f52c", "a\nb", "\u0639\u200c\u0645", "x" * 9_999):
        named = replace(tiny_checkpoint, categories=(replace(first, name=name), second))
        checkpoint.write(path, named)
        assert weights.load(path).categories[0].name == name
    checkpoint.write(path, replace(tiny_checkpoint, categories=(replace(first, name="x" * 10**6), second)))
    with pytest.raises(WeightsError, match="longer than") as caught:
        weights.load(path)
    assert len(str(caught.value)) < 500 + len(str(path))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes in Windows' folders")
def test_a_pipe_is_no_checkpoint(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.safetensors")
    with pytest.raises(WeightsError):
        weights.load(tmp_path / "a.safetensors")
    assert lineage.lineage(tmp_path) == []


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


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="elsewhere nothing says which files are mapped")
def test_weights_in_use_outlive_their_file(tiny_weights: Path) -> None:
    """Were they mapped, a look at them would end the process with a bus error."""
    checkpoint = weights.load(tiny_weights)
    assert tiny_weights.name not in Path("/proc/self/maps").read_text()
    mapped = load_file(tiny_weights)  # safetensors' own way: what is looked for is found
    assert mapped.keys() == checkpoint.state.keys()
    assert tiny_weights.name in Path("/proc/self/maps").read_text()


def test_a_network_shares_nothing_with_its_checkpoint(tiny_checkpoint: Checkpoint) -> None:
    network = weights.network_of(tiny_checkpoint)
    own = {value.data_ptr() for value in network.state_dict().values() if value.numel()}
    assert own.isdisjoint(value.data_ptr() for value in tiny_checkpoint.state.values() if value.numel())
