from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from annotator.canvas.image_pyramid import ImagePyramid

pytestmark = pytest.mark.usefixtures("qapp")


def painted(image: QImage, scale: float) -> QImage:
    width, height = round(image.width() * scale), round(image.height() * scale)
    onto = QImage(width, height, QImage.Format.Format_RGB32)
    painter = QPainter(onto)
    ImagePyramid(image).paint(painter, QRectF(0, 0, width, height), scale)
    painter.end()
    return onto


def greys(image: QImage) -> np.ndarray:
    return np.array([[image.pixelColor(x, y).red() for x in range(image.width())] for y in range(image.height())])


def stripes(width: int = 64) -> QImage:
    """Black and white columns, one pixel wide."""
    image = QImage(width, 16, QImage.Format.Format_RGB888)
    for x in range(width):
        for y in range(16):
            image.setPixel(x, y, 0xFFFFFFFF if x % 2 else 0xFF000000)
    return image


@pytest.mark.parametrize("scale", [0.5, 0.25, 0.125])
def test_zoomed_out_fine_detail_becomes_grey_not_stripes(scale: float) -> None:
    values = greys(painted(stripes(), scale))[:, 1:-1]
    assert values.min() > 90
    assert values.max() < 165


def test_zoomed_in_pixels_are_squares() -> None:
    assert set(greys(painted(stripes(), 4.0)).ravel().tolist()) == {0, 255}


def test_zoomed_in_a_little_it_is_smooth() -> None:
    assert len(set(greys(painted(stripes(), 2.0)).ravel().tolist())) > 2


def test_a_photo_of_one_pixel_can_be_shown_tiny() -> None:
    image = QImage(1, 1, QImage.Format.Format_RGB32)
    image.fill(0xFF808080)
    onto = QImage(2, 2, QImage.Format.Format_RGB32)
    onto.fill(0)
    painter = QPainter(onto)
    ImagePyramid(image).paint(painter, QRectF(0, 0, 2, 2), 0.001)
    painter.end()
    assert greys(onto).tolist() == [[128, 128], [128, 128]]
