"""How the canvas shows a photo and what is on it."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QImage

from annotator.canvas.look import Look, map_values, pixels_of, value_counts


def test_the_pixels_of_an_image_are_counted_and_mapped() -> None:
    image = QImage(3, 2, QImage.Format.Format_RGB32)
    image.fill(0xFF0A141E)
    counts = value_counts(pixels_of(image)[..., :3])
    assert {value: counts[value] for value in np.flatnonzero(counts).tolist()} == {10: 6, 20: 6, 30: 6}
    map_values(image, np.arange(256, dtype=np.uint8)[::-1].copy())
    assert image.pixel(2, 1) == 0xFFF5EBE1


def test_outlines_only_goes_before_a_fill() -> None:
    assert Look(fill=60).resting_alpha == 153
    assert Look(fill=60, outlines_only=True).resting_alpha == 0
