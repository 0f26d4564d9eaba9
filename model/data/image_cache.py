"""Photos that are drawn again and again: kept decoded, no larger than they are needed."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import TYPE_CHECKING

import cv2
import numpy as np

from dataset.images import read_photo

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from model.config import TrainConfig

ROOM = 512 * 2**20
"""Bytes of pixels that are kept; of more, those are read again that were not asked for the longest."""


class DecodedImageCache:
    """The photos of a training, decoded: what a phone takes needs longer for that than a step for all the rest."""

    def __init__(self, config: TrainConfig, room: int = ROOM) -> None:
        """Keep nothing yet; a photo that is larger than the training ever draws it is made as small as that.

        Each of the processes that load photos has a part of the room.
        """
        self.short = math.ceil(config.scales[-1] * config.jitter[1])
        self.room = room // max(1, config.workers)
        self._kept: OrderedDict[Path, NDArray[np.uint8]] = OrderedDict()
        self._bytes = 0

    def __call__(self, path: Path) -> NDArray[np.uint8]:
        """Return a photo [height, width, 3], upright; nobody may write into it.

        Raises:
            dataset.images.PhotoError: It cannot be read.
        """
        if path in self._kept:
            self._kept.move_to_end(path)
            return self._kept[path]
        pixels = self._small(read_photo(path))
        self._kept[path] = pixels
        self._bytes += pixels.nbytes
        while self._bytes > self.room:
            self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return pixels

    def _small(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = pixels.shape[:2]
        share = self.short / min(height, width)
        if share >= 1:
            return pixels
        size = (round(width * share), round(height * share))
        return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
