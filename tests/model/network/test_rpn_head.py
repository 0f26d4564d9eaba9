"""Scores at some anchors, against those everywhere."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.network.box_ops import RPN_WEIGHTS, decode
from model.network.rpn_head import BINS, DistanceHead, ProposalHead

CHANNELS, KINDS = 5, 3


def _head(depth: int, kinds: int = KINDS) -> ProposalHead:
    head = ProposalHead(CHANNELS, kinds, depth) if kinds > 1 else DistanceHead(CHANNELS, 5.0, depth, KINDS)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return head


def _everywhere(head: ProposalHead, maps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits [B, A] and offsets [B, A, 4] in the order that indices mean."""
    (scores,), (deltas,) = head([maps])
    batch, height, width = maps.shape[0], *maps.shape[2:]
    ordered = deltas.view(batch, -1, 4, height, width).permute(0, 3, 4, 1, 2)
    return scores.permute(0, 2, 3, 1).reshape(batch, -1), ordered.reshape(batch, -1, 4)


@given(
    st.integers(1, 2),
    st.sampled_from([1, KINDS]),
    st.integers(1, 6),
    st.integers(1, 6),
    st.integers(0, 12),
    st.integers(0, 2**20),
)
def test_the_same_numbers_and_the_same_gradient(
    depth: int, kinds: int, height: int, width: int, count: int, seed: int
) -> None:
    torch.manual_seed(seed)
    head = _head(depth, kinds)
    maps = torch.randn(2, CHANNELS, height, width, requires_grad=True)
    photo, index = torch.randint(2, (count,)), torch.randint(height * width * kinds, (count,))
    weights, more = torch.randn(count), torch.randn(count, 4)
    wanted = (maps, *head.parameters())

    scores, deltas = _everywhere(head, maps)
    expected = scores[photo, index], deltas[photo, index]
    total = (expected[0] * weights).sum() + (expected[1] * more).sum()
    gradients = torch.autograd.grad(total, wanted)

    found = head.at(maps, photo, index)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    total = (found[0] * weights).sum() + (found[1] * more).sum()
    torch.testing.assert_close(torch.autograd.grad(total, wanted), gradients, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_half_precision_gives_float32_out_of_maps_in_any_order(kind: torch.dtype) -> None:
    torch.manual_seed(0)
    head = _head(1)
    maps = torch.randn(1, CHANNELS, 4, 4).to(kind).contiguous(memory_format=torch.channels_last).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=kind == torch.bfloat16):
        scores, deltas = head.at(maps, torch.zeros(3, dtype=torch.int64), torch.tensor([0, 20, 47]))
    assert scores.dtype == deltas.dtype == torch.float32
    (scores.sum() + deltas.sum()).backward()
    assert maps.grad is not None
    assert maps.grad.dtype == kind
    assert maps.grad.abs().sum() > 0


def test_distances_are_from_the_middle_of_a_cell_in_strides() -> None:
    head = DistanceHead(CHANNELS, 5.0, 1)
    left, top, right, bottom = 2, 1, 3, 9
    logits = torch.full((1, 4, BINS, 1, 1), -50.0)
    for side, distance in enumerate((left, top, right, bottom)):
        logits[0, side, distance] = 50
    logits[0, 3, 8] = 50  # as sure of 8 as of 9
    stride = 16
    anchor = torch.tensor([[-2.5, -2.5, 2.5, 2.5]]) * stride + 3 * stride  # of the cell (3, 3), at its corner
    box = decode(head.offsets(logits.flatten(1, 2))[:, :, 0, 0], anchor, RPN_WEIGHTS)[0, 0]
    expected = torch.tensor([3.5 - left, 3.5 - top, 3.5 + right, 3.5 + 8.5]) * stride
    torch.testing.assert_close(box, expected)
