from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.inference.engines.region_pooling import BINS, Pooling
from model.network.roi_pooler import RegionPooler

STRIDES = (4, 8, 16, 32)
SIDE = 160


@settings(max_examples=20)
@given(
    st.lists(st.tuples(*[st.floats(-20, SIDE + 20, width=32)] * 2, *[st.floats(0, SIDE, width=32)] * 2), max_size=6),
    st.booleans(),
    st.sampled_from([STRIDES, (16,)]),
)
def test_regions_are_pooled_as_by_torch(
    places: list[tuple[float, ...]], half_pixel: bool, strides: tuple[int, ...]
) -> None:
    corners = np.array(places, np.float32).reshape(-1, 4)
    boxes = np.concatenate([corners[:, :2], corners[:, :2] + corners[:, 2:]], 1)
    random = np.random.default_rng(len(boxes))
    maps = [random.normal(size=(1, SIDE // s, SIDE // s, 3)).astype(np.float32) for s in strides]
    pooler = RegionPooler(strides, layer="align", reduce="average", half_pixel=half_pixel, canonical=112)
    rois = torch.from_numpy(np.concatenate([np.zeros((len(boxes), 1), np.float32), boxes], 1))
    expected = pooler([torch.from_numpy(m).permute(0, 3, 1, 2) for m in maps], rois, 3)
    found = Pooling(112, half_pixel).regions(maps, strides, boxes, 3)
    np.testing.assert_allclose(found.transpose(0, 3, 1, 2), expected.numpy(), atol=1e-4)


def test_threads_share_the_regions() -> None:
    random = np.random.default_rng(0)
    maps = [random.normal(size=(1, SIDE // s, SIDE // s, 2)).astype(np.float32) for s in STRIDES]
    corners = random.uniform(0, 100, (3 * BINS, 2))
    boxes = np.concatenate([corners, corners + random.uniform(1, 200, corners.shape)], 1).astype(np.float32)
    pooling = Pooling(224, half_pixel=True)
    alone, together = (pooling.regions(maps, STRIDES, boxes, 2, threads=n) for n in (1, 3))
    np.testing.assert_array_equal(alone, together)
