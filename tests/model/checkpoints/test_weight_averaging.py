from __future__ import annotations

import torch

from model.checkpoints.weight_averaging import interpolate_weights


def test_a_share_of_the_way() -> None:
    start = {"weight": torch.tensor([0.0, 2.0]), "count": torch.tensor(1)}
    end = {"weight": torch.tensor([4.0, 2.0]), "count": torch.tensor(5)}
    found = interpolate_weights(start, end, 0.25)
    assert found["weight"].tolist() == [1.0, 2.0]
    assert found["count"].item() == 5
    assert torch.equal(interpolate_weights(start, end, 1.0)["weight"], end["weight"])
    assert torch.equal(interpolate_weights(start, end, 0.0)["weight"], start["weight"])
