"""RoIAlign and its gradient against torchvision's, which walks over the samples one by one."""

from __future__ import annotations

import pytest
import torch
from torchvision.ops import roi_align

from model.network.roi_align import align, sample_weights


@pytest.mark.parametrize("half_pixel", [True, False])
@pytest.mark.parametrize(("size", "samples"), [(7, 2), (4, 1)])
def test_gradient_is_that_of_torchvision(size: int, samples: int, *, half_pixel: bool) -> None:
    torch.manual_seed(0)
    features = torch.randn(3, 5, 13, 17, requires_grad=True)
    corner = torch.rand(90, 2) * torch.tensor([17.0, 13.0]) * 4 - 6  # some regions begin or end beyond the map
    rois = torch.cat([torch.randint(0, 3, (90, 1)).float(), corner, corner + torch.rand(90, 2) ** 3 * 60], 1)
    weight = torch.randn(90, 5, size, size)
    own = align(features, rois, size, 0.25, samples, half_pixel=half_pixel)
    theirs = roi_align(features, rois, size, 0.25, samples, aligned=half_pixel)
    torch.testing.assert_close(own, theirs, rtol=0, atol=2e-5)
    found = torch.autograd.grad((own * weight).sum(), features)[0]
    wanted = torch.autograd.grad((theirs * weight).sum(), features)[0]
    assert torch.allclose(found, wanted, atol=1e-4)


def test_gradient_of_half_precision_keeps_its_type() -> None:
    features = torch.randn(1, 2, 8, 8, dtype=torch.bfloat16, requires_grad=True)
    rois = torch.tensor([[0.0, 1.0, 1.0, 7.0, 6.0]])
    pooled = align(features, rois, 2, 1.0, 2, half_pixel=True)
    pooled.sum().backward()
    assert pooled.dtype == torch.bfloat16
    assert features.grad is not None
    assert float(features.grad[0, 0].sum()) == pytest.approx(4.0, rel=0.02)  # four bins, each a mean


def test_weights_of_a_line_by_hand() -> None:
    # From centre 1 to centre 3, two bins of one sample each: at 1.5 and 2.5, halfway between two centres.
    first, weights = sample_weights(torch.tensor([1.0]), torch.tensor([3.0]), 9, 2, 1)
    assert first.tolist() == [1]
    assert weights[0, :, :3].tolist() == [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]]


def test_samples_beyond_the_line_count_at_its_end_or_not_at_all() -> None:
    # Samples at -1.5 and -0.5: the first is more than a cell outside, the second takes the first cell's value.
    first, weights = sample_weights(torch.tensor([-2.0]), torch.tensor([0.0]), 9, 2, 1)
    assert first.tolist() == [0]
    assert weights[0, :, 0].tolist() == [0.0, 1.0]


def test_half_precision_sums_cells_where_they_are() -> None:
    ramp = torch.arange(40, dtype=torch.float32).expand(2, 8, 30, 40).contiguous(memory_format=torch.channels_last)
    rois = torch.tensor([[1.0, 3.0, 2.0, 31.0, 22.0], [0.0, 0.0, 0.0, 40.0, 30.0]])
    exact = roi_align(ramp, rois, 7, 1.0, 2, aligned=True)
    half = align(ramp.bfloat16(), rois, 7, 1.0, 2, half_pixel=True)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), exact, rtol=0.01, atol=0.01)


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_no_regions_and_a_map_of_one_cell(kind: torch.dtype) -> None:
    features = torch.full((1, 3, 1, 1), 2.0, dtype=kind)
    assert align(features, torch.zeros(0, 5), 7, 1.0, 2, half_pixel=True).shape == (0, 3, 7, 7)
    found = align(features, torch.tensor([[0.0, 0.0, 0.0, 1.0, 1.0]]), 2, 1.0, 2, half_pixel=True)
    assert found.flatten().tolist() == [2.0] * 12
