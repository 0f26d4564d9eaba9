"""Paths along the edges of a picture: live-wire (Mortensen and Barrett, SIGGRAPH 1995), as OpenCV's scissors have it.

Pixels of the picture, (0, 0) covers [0, 1) x [0, 1); a path runs through the centres of pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    import cv2
    from numpy.typing import NDArray

    Xy = tuple[float, float]

MIN_STRENGTH = 2.0
"""Grey levels per pixel: less is no edge."""
_MIN_CONTRAST = 1.5  # of a path's strength over the picture's median: 1.1 to 1.3 in pure noise, 2.3 where noise is 3/4
_BLUR = 1.0  # sigma, in pixels: the grain of a sensor is no edge
_WEIGHTS = (0.2, 0.2, 0.6)  # of Canny's edges, the gradient's direction, its magnitude
_CANNY = (32.0, 100.0)
_STAIRS = 1.5  # sigma, in vertices: evens the stairs of a path from pixel to pixel, and moves it by less than one
_SLACK = 0.45  # pixels that simplifying may move a path


class EdgeMap:
    """The cheapest paths from one pixel of a picture to all others. 0.25 s a megapixel: for a thread, or little."""

    def __init__(self, picture: NDArray[np.uint8], start: Xy) -> None:
        """`picture` [H, W, 3]; `start` (x, y) is inside."""
        import cv2  # noqa: PLC0415 - loaded with the first photo

        self._size = picture.shape[1], picture.shape[0]
        blurred = _blurred(picture)
        self._strength = _strength(blurred)
        self._least = max(MIN_STRENGTH, _MIN_CONTRAST * float(np.median(self._strength)))
        self._start = self._pixel(start)
        self._scissors: cv2.segmentation.IntelligentScissorsMB | None = None
        if min(self._size) > 2 and self._strength.max() >= self._least:
            self._scissors = cv2.segmentation.IntelligentScissorsMB()
            self._scissors.setEdgeFeatureCannyParameters(*_CANNY)
            self._scissors.setWeights(*_WEIGHTS)
            self._scissors.applyImage(blurred)
            self._scissors.buildMap(self._start)

    def path(self, to: Xy) -> NDArray[np.float64]:
        """Return the vertices [N, 2] between the start and another point, without both; none: the line is straight.

        A point outside is reached straight from where the picture ends.
        """
        end = self._pixel(to)
        if self._scissors is None or max(abs(end[0] - self._start[0]), abs(end[1] - self._start[1])) < 2:
            return np.empty((0, 2))
        pixels = self._scissors.getContour(end).reshape(-1, 2)
        if self._strength[pixels[:, 1], pixels[:, 0]].mean() < self._least:
            return np.empty((0, 2))
        line = shapely.LineString(_even(pixels.astype(float) + 0.5)).simplify(_SLACK)
        is_inside = 0 <= to[0] <= self._size[0] and 0 <= to[1] <= self._size[1]
        return np.array(line.coords)[1 : -1 if is_inside else None]

    def _pixel(self, point: Xy) -> tuple[int, int]:
        width, height = self._size
        return min(max(int(point[0]), 0), width - 1), min(max(int(point[1]), 0), height - 1)


def nearest_edge(picture: NDArray[np.uint8], at: Xy, radius: float) -> Xy | None:
    """Return the centre of the pixel with the strongest edge near a point, a nearer one rather than a farther one.

    Args:
        picture: [H, W, 3], no more of it than is needed.
        at: The point (x, y).
        radius: How far from it, in pixels.

    Returns:
        None where there is no edge in reach.
    """
    strength = _strength(_blurred(picture))
    rows, columns = np.indices(strength.shape)
    distances = np.hypot(columns + 0.5 - at[0], rows + 0.5 - at[1])
    strength[(distances > radius) | (strength < MIN_STRENGTH)] = 0
    weighted = strength * (1 - 0.5 * distances / radius)
    row, column = np.unravel_index(weighted.argmax(), weighted.shape)
    return (float(column) + 0.5, float(row) + 0.5) if weighted[row, column] > 0 else None


def _blurred(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    import cv2  # noqa: PLC0415 - loaded with the first photo

    return np.asarray(cv2.GaussianBlur(picture, (0, 0), _BLUR), np.uint8)


def _strength(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the magnitude of the gradient [H, W] in grey levels per pixel, of the channel in which it is largest."""
    import cv2  # noqa: PLC0415 - loaded with the first photo

    across = cv2.Sobel(picture, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(picture, cv2.CV_32F, 0, 1, scale=1 / 8)
    return cv2.magnitude(across, down).max(axis=2)


def _even(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a line [N, 2] without its stairs; its ends stay."""
    reach = min(int(3 * _STAIRS), len(line) - 1)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / _STAIRS) ** 2)
    weights /= weights.sum()
    # Mirrored through its ends, which thereby stay where they are.
    before, after = 2 * line[0] - line[reach:0:-1], 2 * line[-1] - line[-2 : -reach - 2 : -1]
    longer = np.concatenate((before, line, after))
    return np.stack([np.convolve(axis, weights, "valid") for axis in longer.T], axis=1)
