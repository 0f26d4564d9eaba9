"""A photo as the network gets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from model.config import MEAN, STD

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUND = 32
"""Sides of the network's input are multiples of the coarsest stride."""


@dataclass(frozen=True)
class NetworkInput:
    """A photo, and the picture that was made of it."""

    photo: NDArray[np.uint8]  # [height, width, 3] RGB
    pixels: NDArray[np.float32]  # [1, 3, H, W], normalised; zeros below and to the right of the photo; channels last
    inner: tuple[int, int]  # (height, width) of the photo in it

    @property
    def input(self) -> tuple[int, int]:
        """(height, width) with padding."""
        return self.pixels.shape[2], self.pixels.shape[3]


def resize_and_pad(image: NDArray[np.uint8], short_side: int, long_side: int) -> NetworkInput:
    """Return a photo scaled to a shorter side, unless the longer one would be too long.

    Raises:
        ValueError: The array is no photo.
    """
    shape, found = np.shape(image), getattr(image, "dtype", None)
    if len(shape) != 3 or shape[2] != 3 or found != np.uint8 or 0 in shape:
        raise ValueError(f"a photo is (height, width, 3) uint8, not {shape} {found}")
    height, width = image.shape[:2]
    scale = min(short_side / min(height, width), long_side / max(height, width))
    inner = (max(1, int(height * scale)), max(1, int(width * scale)))
    small = image
    if inner != (height, width):
        shrinks = scale < 0.5  # where linear interpolation would skip pixels
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        small = cv2.resize(image, (inner[1], inner[0]), interpolation=how)
    padded = [-(-side // ROUND) * ROUND for side in inner]
    pixels = np.zeros((1, padded[0], padded[1], 3), np.float32)
    spread = np.array(STD, np.float32) * 255
    pixels[0, : inner[0], : inner[1]] = (small - np.array(MEAN, np.float32) * 255) / spread
    return NetworkInput(image, pixels.transpose(0, 3, 1, 2), inner)
