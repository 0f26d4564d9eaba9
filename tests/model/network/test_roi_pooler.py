"""RoI layers against values worked out by hand."""

from __future__ import annotations

import pytest
import torch

from model.network.roi_pooler import RegionPooler, pool_regions, with_batch_index

# f(row, column) = 10 * row + column: bilinear interpolation of it at (y, x) is exactly 10 y + x.
RAMP = (10.0 * torch.arange(12)[:, None] + torch.arange(12)[None, :])[None, None]


def region(x1: float, y1: float, x2: float, y2: float) -> torch.Tensor:
    return torch.tensor([[0.0, x1, y1, x2, y2]])


def pooled(rois: torch.Tensor, size: int, scale: float = 1.0, **kind: object) -> torch.Tensor:
    options = {"layer": "align", "reduce": "average", "half_pixel": True, **kind}
    return pool_regions(RAMP, rois, size, scale, **options)[0, 0]  # pyrefly: ignore


def test_align_averages_four_samples_at_the_quarters_of_each_bin() -> None:
    # Region x 2..6, y 1..5, two bins of 2x2: samples at a quarter and three quarters, whose mean is the bin's centre.
    # Cell centres lie at +0.5, so a sample at x reads the ramp at x - 0.5. First bin: x 3, y 2 gives 1.5 * 10 + 2.5.
    found = pooled(region(2, 1, 6, 5), 2)
    assert found.tolist() == [[17.5, 19.5], [37.5, 39.5]]


def test_align_without_half_pixel_reads_half_a_cell_further() -> None:
    found = pooled(region(2, 1, 6, 5), 2, half_pixel=False)
    assert found.tolist() == [[23.0, 25.0], [43.0, 45.0]]


def test_align_does_not_round() -> None:
    # 0.3 of a cell to the right is 0.3 more, 0.2 down is 2 more; nothing is rounded anywhere.
    straight, moved = pooled(region(2, 1, 6, 5), 2), pooled(region(2.3, 1.2, 6.3, 5.2), 2)
    assert (moved - straight).flatten().tolist() == pytest.approx([2.3] * 4, abs=1e-4)


def test_align_scales_the_region_to_the_map() -> None:
    assert torch.equal(pooled(region(32, 16, 96, 80), 2, 1 / 16), pooled(region(2, 1, 6, 5), 2))


def test_align_max_takes_the_greatest_of_the_four_samples() -> None:
    # The last sample of a bin lies half a cell right of and below its centre: 5 + 0.5 more.
    found = pooled(region(2, 1, 6, 5), 2, reduce="max")
    assert found.tolist() == [[23.0, 25.0], [43.0, 45.0]]


def test_warp_rounds_the_region_and_then_interpolates() -> None:
    # 2.3..5.4 x 1.4..4.4 rounds to the cells 2 to 5 and 1 to 4, so the region 2..6 x 1..5 in full.
    found = pooled(region(2.3, 1.4, 5.4, 4.4), 2, layer="warp")
    assert torch.equal(found, pooled(region(2, 1, 6, 5), 2))
    # Shifting it by less than the rounding changes nothing: this is the misalignment that the paper speaks of.
    assert torch.equal(found, pooled(region(2.4, 1.2, 5.2, 4.1), 2, layer="warp"))


def test_warp_max() -> None:
    found = pooled(region(2.3, 1.4, 5.4, 4.4), 2, layer="warp", reduce="max")
    assert torch.equal(found, pooled(region(2, 1, 6, 5), 2, reduce="max"))


def test_pool_rounds_the_region_and_takes_the_greatest_cell_of_each_bin() -> None:
    # Cells 2 to 5 and 1 to 4 make two bins of two cells a side; the last is the greatest: rows 2, 4 and columns 3, 5.
    found = pooled(region(2.3, 1.4, 5.4, 4.4), 2, layer="pool")
    assert found.tolist() == [[23.0, 25.0], [43.0, 45.0]]


def test_pool_bins_that_do_not_divide_overlap() -> None:
    # Five cells in two bins: the bins of 2.5 cells reach from 0 to ceil(2.5) and from floor(2.5) to 5.
    found = pooled(region(2, 1, 6, 5), 2, layer="pool")
    assert found.tolist() == [[34.0, 36.0], [54.0, 56.0]]


@pytest.mark.parametrize("layer", ["warp", "pool"])
def test_what_is_rounded_are_the_cells_as_they_are_placed(layer: str) -> None:
    # Cells 2 to 5 and 1 to 4. Placed at their corners, cell i reaches from i - 0.5 to i + 0.5.
    inner, outer = region(2.01, 1.01, 5.01, 4.01), region(2.99, 1.99, 5.99, 4.99)
    centred = pooled(inner, 2, layer=layer)
    assert torch.equal(centred, pooled(outer, 2, layer=layer))
    assert torch.equal(centred, pooled(inner - torch.tensor([0, 0.5, 0.5, 0.5, 0.5]), 2, layer=layer, half_pixel=False))
    assert torch.equal(centred, pooled(outer - torch.tensor([0, 0.5, 0.5, 0.5, 0.5]), 2, layer=layer, half_pixel=False))


def test_quantisation_is_what_sets_them_apart() -> None:
    # Stride 16: the region is 10 px further to the right, not a whole cell.
    moved, still = region(42, 16, 106, 80), region(32, 16, 96, 80)
    change = {
        layer: (
            pooled(moved, 2, 1 / 16, layer=layer, half_pixel=False)
            - pooled(still, 2, 1 / 16, layer=layer, half_pixel=False)
        )[0, 0].item()
        for layer in ("align", "warp", "pool")
    }
    assert change == pytest.approx({"align": 10 / 16, "warp": 1.0, "pool": 1.0}, abs=1e-4)


@pytest.mark.parametrize("layer", ["align", "warp"])
@pytest.mark.parametrize("reduce", ["average", "max"])
def test_gradients_reach_the_map(layer: str, reduce: str) -> None:
    values = RAMP.clone().requires_grad_()
    pool_regions(values, region(2, 1, 6, 5), 2, 1.0, layer=layer, reduce=reduce, half_pixel=True).sum().backward()  # pyrefly: ignore
    assert values.grad is not None
    assert values.grad.sum().item() == pytest.approx(4.0)  # each of the four bins passes 1 on


def test_boxes_go_to_the_level_of_their_size() -> None:
    pooler = RegionPooler((4, 8, 16, 32), layer="align", reduce="average", half_pixel=True)
    sides = torch.tensor([10.0, 111.0, 113.0, 223.0, 225.0, 449.0, 2000.0])
    rois = torch.stack([sides * 0, sides * 0, sides * 0, sides, sides], 1)
    assert pooler.levels(rois).tolist() == [0, 0, 1, 1, 2, 3, 3]  # 224 belongs to stride 16 (FPN, eq. 1)


def test_pooling_from_a_pyramid_keeps_the_order_of_the_boxes() -> None:
    pooler = RegionPooler((4, 8, 16, 32), layer="align", reduce="average", half_pixel=True)
    maps = [torch.full((2, 1, 800 // s, 800 // s), float(s)) for s in (4, 8, 16, 32)]
    maps[0][1] = -4.0
    boxes = [torch.tensor([[100.0, 100, 700, 700], [10, 10, 40, 40]]), torch.tensor([[0.0, 0, 50, 50]])]
    found = pooler(maps, with_batch_index(boxes), 7)
    assert found.shape == (3, 1, 7, 7)
    assert found.mean((1, 2, 3)).tolist() == pytest.approx([32.0, 4.0, -4.0])
    assert pooler(maps, with_batch_index([torch.zeros(0, 4)]), 7).shape == (0, 1, 7, 7)


def test_half_precision_does_not_move_a_pooled_region() -> None:
    edge = (torch.arange(600) >= 512).bfloat16().expand(1, 1, 4, 600)
    region = torch.tensor([[0.0, 511, 0, 512, 3]])  # in 16 bits 511 would be 512
    found = pool_regions(edge, region, 2, 1.0, layer="pool", reduce="max", half_pixel=True)
    assert found.dtype == torch.bfloat16
    assert found[0, 0, 0].tolist() == [0.0, 1.0]


def test_the_level_of_a_region_follows_from_the_canonical_size() -> None:
    sides = torch.tensor([20.0, 60.0, 120.0, 300.0])
    rois = torch.stack([torch.zeros(4), torch.zeros(4), torch.zeros(4), sides, sides], 1)
    strides = (4, 8, 16, 32)
    # FPN, eq. 1 with 224: everything below 112 pixels is on the finest map; with 56, from 112 on on the coarsest.
    for canonical, levels in ((224.0, [0, 0, 1, 2]), (56.0, [0, 2, 3, 3])):
        pooler = RegionPooler(strides, layer="align", reduce="average", half_pixel=True, canonical=canonical)
        assert pooler.levels(rois).tolist() == levels
