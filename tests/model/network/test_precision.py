"""Which numbers a device computes in, and that training keeps to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from model.network.precision import BFLOAT16_VARIABLE, autocast, fast_type

if TYPE_CHECKING:
    pass

CPU = torch.device("cpu")


@pytest.mark.parametrize(("wish", "kind"), [("1", torch.bfloat16), ("0", torch.float32)])
def test_training_multiplies_in_the_numbers_that_prediction_uses(
    monkeypatch: pytest.MonkeyPatch, wish: str, kind: torch.dtype
) -> None:
    monkeypatch.setenv(BFLOAT16_VARIABLE, wish)
    with autocast(CPU):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == fast_type("cpu") == kind


def test_without_a_wish_the_processor_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """16-bit floats without instructions for them take ten times as long: the processor must be asked."""
    monkeypatch.delenv(BFLOAT16_VARIABLE, raising=False)
    monkeypatch.setattr("model.network.precision._CPU_QUESTIONS", (lambda: False, lambda: False))
    assert fast_type("cpu") == torch.float32
    fast_type.cache_clear()
    monkeypatch.setattr("model.network.precision._CPU_QUESTIONS", (lambda: False, lambda: True))
    assert fast_type("cpu") == torch.bfloat16
