"""RoIAlign (Mask R-CNN, sec. 3) in NumPy, for graphs: what their library has for it takes three times as long.

Its operator walks over the planes of a map. Here a bin is a weighted sum of 16 cells, each a row of channels that lie
together in memory; `model.network.roi_align` does the same with torch. A few bins at a time, so that what is gathered
stays in the processor's cache.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from model.config import ModelConfig

SAMPLES = 2
"""Samples along each side of a bin, as `model.network.roi_pooler` has them."""
TAPS = 2 * SAMPLES
"""Cells along each side that the samples of a bin lie between."""
BINS = 384
"""Bins that are gathered at a time: fewer are no faster, and each time Python's lock changes hands."""
WORTH_A_THREAD = 2 * BINS
"""Bins for which another thread is begun."""


def pools_outside(config: ModelConfig) -> bool:
    """Return whether regions are pooled here, before the graphs of the heads, or in them."""
    return config.roi_layer == "align" and config.roi_reduce == "average"


@dataclass(frozen=True)
class Pooling:
    """How regions are pooled from a pyramid's maps."""

    canonical: float
    """Side in pixels of the region that is pooled at stride 16 (FPN, eq. 1)."""
    half_pixel: bool
    """Whether the value of a cell lies at its centre, or at its corner."""

    def regions(
        self,
        maps: Sequence[NDArray[np.float32]],
        strides: Sequence[int],
        boxes: NDArray[np.float32],
        size: int,
        threads: int = 1,
    ) -> NDArray[np.float32]:
        """Return the features [R, size, size, C] of boxes [R, 4] xyxy in pixels of the network's input.

        Args:
            maps: [1, h, w, C] of each level, fine to coarse.
            strides: Pixels along a cell of each.
            boxes: Each is pooled from the level that suits its size.
            size: Bins along each side.
            threads: How many compute at most.
        """
        cells, weights, offset = self._cells(maps, strides, boxes, size)
        channels = maps[0].shape[3]
        pooled = np.empty((len(cells), 1, channels), np.float32)
        jobs = []
        for level, place in enumerate(maps):
            here = np.nonzero(offset == level)[0]
            if len(here):
                jobs += [(place.reshape(-1, channels), part) for part in np.array_split(here, -(-len(here) // BINS))]

        def work(first: int, step: int) -> None:
            gathered = np.empty((BINS, TAPS * TAPS, channels), np.float32)
            for rows, part in jobs[first::step]:
                found = np.take(rows, cells[part], 0, gathered[: len(part)], "clip")
                pooled[part] = np.matmul(weights[part], found)

        share = min(threads, 1 + len(cells) // WORTH_A_THREAD)
        if share == 1:
            work(0, 1)
        else:
            with ThreadPoolExecutor(share) as pool:
                list(pool.map(work, range(share), [share] * share))
        return pooled.reshape(len(boxes), size, size, channels)

    def _cells(
        self,
        maps: Sequence[NDArray[np.float32]],
        strides: Sequence[int],
        boxes: NDArray[np.float32],
        size: int,
    ) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int64]]:
        """Return of every bin which cells of its map count [N, 16], how much [N, 1, 16], and the number of its map."""
        level = self._levels(strides, boxes)
        sides = np.array([place.shape[1:3] for place in maps])[level]  # [R, 2] height, width
        scaled = boxes / np.array(strides, np.float32)[level][:, None]
        if self.half_pixel:
            scaled = scaled - np.float32(0.5)
        y, y_weights = self._taps(scaled[:, 1], scaled[:, 3], sides[:, 0], size)  # [R, size, TAPS]
        x, x_weights = self._taps(scaled[:, 0], scaled[:, 2], sides[:, 1], size)
        width = sides[:, 1].astype(np.int32)[:, None, None, None, None]
        cells = y[:, :, None, :, None] * width + x[:, None, :, None, :]
        weights = y_weights[:, :, None, :, None] * x_weights[:, None, :, None, :]
        count = TAPS * TAPS
        return cells.reshape(-1, count), weights.reshape(-1, 1, count), level.repeat(size * size)

    def _levels(self, strides: Sequence[int], boxes: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return each region's level, 0 being the finest, as `model.network.roi_pooler.RegionPooler.levels`."""
        area = np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(1), 0)
        with np.errstate(divide="ignore"):
            level = np.floor(np.log2(np.sqrt(area) / np.float32(self.canonical) * np.float32(16 / strides[0])) + 1e-6)
        return np.clip(level, 0, len(strides) - 1).astype(np.int64)

    def _taps(
        self, low: NDArray[np.float32], high: NDArray[np.float32], cells: NDArray[np.int64], size: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return which cells of a line count in each bin of each region, and how much: [R, size, TAPS] both."""
        length = high - low if self.half_pixel else np.maximum(high - low, 1)  # the older form knows no smaller region
        steps = (np.arange(size * SAMPLES, dtype=np.float32) + 0.5) / SAMPLES
        at = low[:, None] + steps * (length / size)[:, None]  # [R, size * SAMPLES]
        last = (cells - 1).astype(np.float32)[:, None]
        inside = (at >= -1) & (at <= last + 1)
        at = np.clip(at, 0, last)
        first = np.floor(at)
        share = at - first
        weights = np.stack([1 - share, share], -1) * inside[..., None] / np.float32(SAMPLES)
        places = np.stack([first, np.minimum(first + 1, last)], -1)
        shape = (len(low), size, TAPS)
        return places.reshape(shape).astype(np.int32), weights.reshape(shape).astype(np.float32)
