"""Cache of decoded training photos, no larger than training needs them."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import TYPE_CHECKING

import cv2
import numpy as np

from dataset.pictures.images import read_reduced

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from model.config import TrainConfig

MAX_BYTES = 512 * 2**20
"""Size of the cache; the least recently used photos are dropped."""


class DecodedImageCache:
    """LRU cache of decoded photos: decoding one of a phone takes longer than the rest of a step."""

    def __init__(self, config: TrainConfig, max_bytes: int = MAX_BYTES) -> None:
        """Start empty.

        Args:
            config: Its largest scale limits the size of the photos, its workers share the bytes.
            max_bytes: Of all workers together.
        """
        self.short = math.ceil(config.scales[-1] * config.jitter[1])
        self.max_bytes = max_bytes // max(1, config.workers)
        self._kept: OrderedDict[Path, NDArray[np.uint8]] = OrderedDict()
        self._bytes = 0

    def __call__(self, path: Path) -> NDArray[np.uint8]:
        """Return a photo [height, width, 3] uint8, upright; read-only, as the cache keeps it.

        Raises:
            dataset.pictures.images.PhotoError: It cannot be read.
        """
        if path in self._kept:
            self._kept.move_to_end(path)
            return self._kept[path]
        pixels = self._small(read_reduced(path).pixels)
        self._kept[path] = pixels
        self._bytes += pixels.nbytes
        while self._bytes > self.max_bytes:
            self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return pixels

    def _small(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = pixels.shape[:2]
        share = self.short / min(height, width)
        if share >= 1:
            return pixels
        size = (round(width * share), round(height * share))
        return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
