from __future__ import annotations

import pytest
import torch

from model.inference.device import DeviceError, choose_device


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
