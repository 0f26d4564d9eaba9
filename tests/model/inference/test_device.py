from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from model.inference import device
from model.inference.device import DeviceError, choose_device, choose_provider, selectable_devices
from model.inference.engines.choice import open_engine

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("present", "chosen"), [(False, "cpu"), (True, "cuda")])
def test_auto_is_cuda_where_there_is_one(monkeypatch: pytest.MonkeyPatch, *, present: bool, chosen: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: present)
    assert choose_device("auto") == chosen
    assert choose_device("cpu") == "cpu"


def test_a_device_that_does_not_exist_is_said() -> None:
    with pytest.raises(DeviceError, match="no device toaster"):
        choose_device("toaster")


def test_a_missing_gpu_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="CUDA"):
        choose_device("cuda")


def test_what_was_not_measured_is_offered_by_name_only_and_where_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert selectable_devices() == ("auto", "cpu", "cuda")
    monkeypatch.setattr("sys.platform", "darwin")
    assert selectable_devices() == ("auto", "cpu", "cuda", "mps", "coreml")
    monkeypatch.setattr("sys.platform", "win32")
    assert "directml" not in selectable_devices(), "its package is not installed"
    monkeypatch.setattr(device, "_is_installed", lambda _: True)
    assert selectable_devices() == ("auto", "cpu", "cuda", "directml")


def test_apples_gpu_is_taken_where_torch_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="Apple"):
        choose_device("mps")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("mps") == "mps"
    assert choose_device("auto") != "mps"


def test_a_device_of_onnx_runtime_is_taken_where_it_has_it() -> None:
    present = ["CoreMLExecutionProvider", "CPUExecutionProvider"]
    assert choose_provider("coreml", present) == "CoreMLExecutionProvider"
    assert choose_provider("auto", present) == choose_provider("cpu", present) == "CPUExecutionProvider"
    with pytest.raises(DeviceError, match="no directml"):
        choose_provider("directml", present)
    with pytest.raises(DeviceError, match="no device cuda"):
        choose_provider("cuda", present)


def test_weights_without_graphs_are_to_be_used_on_the_cpu_first(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="choose cpu first"):
        open_engine(tmp_path / "new.safetensors", "coreml")
    with pytest.raises(DeviceError, match="no coreml on this computer"):
        open_engine("builtin", "coreml")
