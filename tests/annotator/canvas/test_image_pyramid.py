from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from annotator.canvas.image_pyramid import ImagePyramid
from annotator.canvas.look import pixels_of

pytestmark = pytest.mark.usefixtures("qapp")


def painted(pixels: NDArray[np.uint8], scale: float, parts: int = 1) -> NDArray[np.uint8]:
    """Return the red [height, width] of a photo painted in so many columns, one after the other."""
    width, height = round(pixels.shape[1] * scale), round(pixels.shape[0] * scale)
    onto = QImage(width, height, QImage.Format.Format_RGB32)
    photo, painter = ImagePyramid(pixels), QPainter(onto)
    for left in range(0, width, width // parts):
        exposed = QRectF(left, 0, width // parts, height)
        painter.setClipRect(exposed)
        photo.paint(painter, QRectF(0, 0, width, height), scale, exposed)
    painter.end()
    return pixels_of(onto)[..., 2].copy()


def stripes(width: int = 64) -> NDArray[np.uint8]:
    """Black and white columns, one pixel wide."""
    return np.tile((np.arange(width) % 2 * 255).astype(np.uint8)[None, :, None], (16, 1, 3))


@pytest.mark.parametrize("scale", [0.5, 0.25, 0.125])
def test_zoomed_out_fine_detail_becomes_grey_not_stripes(scale: float) -> None:
    values = painted(stripes(), scale)[:, 1:-1]
    assert values.min() > 90
    assert values.max() < 165


def test_zoomed_in_pixels_are_squares() -> None:
    assert set(painted(stripes(), 4.0).ravel().tolist()) == {0, 255}


def test_zoomed_in_a_little_it_is_smooth() -> None:
    assert len(set(painted(stripes(), 2.0).ravel().tolist())) > 2


@pytest.mark.parametrize("scale", [0.3, 0.5, 0.9, 1.0, 1.7, 5.0])
def test_painted_in_parts_it_is_as_painted_at_once(scale: float) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (90, 130, 3), np.uint8)
    whole, parts = painted(pixels, scale).astype(int), painted(pixels, scale, 3)
    assert np.mean(np.abs(whole - parts) > 2) < 0.01


def test_a_photo_wider_than_the_painter_can_count_is_painted_where_it_is() -> None:
    """Zoomed, its place is beyond 2^15 pixels, where a painter's fixed point numbers end."""
    pixels = np.zeros((2, 40_000, 3), np.uint8)
    pixels[:, 39_990:] = 255
    onto = QImage(100, 64, QImage.Format.Format_RGB32)
    onto.fill(0xFF808080)
    painter = QPainter(onto)
    ImagePyramid(pixels).paint(painter, QRectF(100 - 40_000 * 8, 0, 40_000 * 8, 16), 8.0, QRectF(0, 0, 100, 64))
    painter.end()
    assert pixels_of(onto)[8, :, 2].tolist() == [0] * 20 + [255] * 80
    assert pixels_of(onto)[40, 50, 2] == 128


def test_a_photo_of_one_pixel_can_be_shown_tiny() -> None:
    onto = QImage(2, 2, QImage.Format.Format_RGB32)
    onto.fill(0)
    painter, target = QPainter(onto), QRectF(0, 0, 2, 2)
    ImagePyramid(np.full((1, 1, 3), 128, np.uint8)).paint(painter, target, 0.001, target)
    painter.end()
    assert pixels_of(onto)[..., 2].tolist() == [[128, 128], [128, 128]]


def test_a_thumbnail_is_the_whole_photo() -> None:
    pixels = np.zeros((300, 200, 3), np.uint8)
    pixels[:150] = (10, 20, 30)
    small = ImagePyramid(pixels).thumbnail(60)
    assert (small.width(), small.height()) == (40, 60)
    assert small.pixelColor(20, 10).getRgb() == (10, 20, 30, 255)
    assert small.pixelColor(20, 50).getRgb() == (0, 0, 0, 255)


@given(st.integers(1, 90), st.integers(1, 90), st.floats(-10, 100), st.floats(-10, 100), st.integers(0, 8))
def test_an_excerpt_is_what_is_around_a_point(width: int, height: int, x: float, y: float, number: int) -> None:
    rows, columns = np.indices((height, width))
    pyramid = ImagePyramid(np.stack((columns, rows, 0 * rows), axis=2).astype(np.uint8))
    part = pyramid.excerpt((x, y), 20, number)
    down, across = part.pixels.shape[:2]
    assert min(across, down) >= 1
    assert max(across, down) <= 20
    assert part.from_photo(part.to_photo((3.0, 4.0))) == pytest.approx((3.0, 4.0))
    if number == 0:
        left, top = part.to_photo((0.5, 0.5))
        assert part.pixels[0, 0].tolist() == [0, int(top), int(left)], "blue, green, red of that pixel"
        inside = 0 <= x < width and 0 <= y < height
        assert not inside or (0 <= part.from_photo((x, y))[0] <= across and 0 <= part.from_photo((x, y))[1] <= down)
