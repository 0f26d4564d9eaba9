"""Scaling and turning: affine maps of the plane, and boxes as they are dragged by their handles.

Pixels of the upright photo, y downwards; a box is (x0, y0, x1, y1) with x0 <= x1 and y0 <= y1, of a side 0 at least.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from shapely import MultiPolygon

Box = tuple[float, float, float, float]
Size = tuple[int, int]
MIN_SIDE = 1.0  # pixels that scaling leaves of a side; of a shorter one, all of it
_STEP = 1.0  # degrees between the angles that are tried where one does not fit
_ROUNDING = 1e-9  # pixels


class Grip(NamedTuple):
    """A handle of a box: which side it moves along either axis."""

    x: int
    """-1 the left one, 1 the right one, 0 neither."""
    y: int
    """-1 the top one, 1 the bottom one, 0 neither."""

    @property
    def is_corner(self) -> bool:
        """Whether it moves two sides."""
        return bool(self.x and self.y)

    def place(self, box: Box) -> tuple[float, float]:
        """Return where it is."""
        x0, y0, x1, y1 = box
        return (x0 + x1) / 2 + self.x * (x1 - x0) / 2, (y0 + y1) / 2 + self.y * (y1 - y0) / 2


GRIPS = tuple(Grip(x, y) for y in (-1, 0, 1) for x in (-1, 0, 1) if x or y)
"""All eight, from the top left one on, row by row."""


class Affine(NamedTuple):
    """The map from (x, y) to (xx * x + xy * y + dx, yx * x + yy * y + dy)."""

    xx: float = 1.0
    xy: float = 0.0
    yx: float = 0.0
    yy: float = 1.0
    dx: float = 0.0
    dy: float = 0.0

    def points(self, xy: ArrayLike) -> NDArray[np.float64]:
        """Return where points (N, 2) go."""
        x, y = np.asarray(xy, float).reshape(-1, 2).T
        return np.column_stack((self.xx * x + self.xy * y + self.dx, self.yx * x + self.yy * y + self.dy))

    def shape(self, shape: MultiPolygon) -> MultiPolygon:
        """Return where a shape goes: as many parts, holes and vertices."""
        return shapely.transform(shape, self.points)

    def then_moved(self, dx: float, dy: float) -> Affine:
        """Return the same map with a shift after it."""
        return self._replace(dx=self.dx + dx, dy=self.dy + dy)

    @property
    def keeps_boxes(self) -> bool:
        """Whether a box goes to a box."""
        return self.xy == self.yx == 0.0 or self.xx == self.yy == 0.0


def scaling(old: Box, new: Box) -> Affine:
    """Return the map of one box on another; along a side of no length, nothing is scaled."""
    x0, y0, x1, y1 = old
    xx = (new[2] - new[0]) / (x1 - x0) if x1 > x0 else 1.0
    yy = (new[3] - new[1]) / (y1 - y0) if y1 > y0 else 1.0
    return Affine(xx=xx, yy=yy, dx=new[0] - xx * x0, dy=new[1] - yy * y0)


def rotation(degrees: float, centre: tuple[float, float]) -> Affine:
    """Return the turn about a point, clockwise on the screen; exact where it is by right angles."""
    turns, rest = divmod(degrees, 90.0)
    if rest:
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    else:
        cos, sin = ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[int(turns) % 4]
    x, y = centre
    return Affine(cos, -sin, sin, cos, x - cos * x + sin * y, y - sin * x - cos * y)


def resized(
    box: Box, grip: Grip, move: tuple[float, float], size: Size, *, keep_aspect: bool = False, from_centre: bool = False
) -> Box:
    """Return a box as it is when a handle is dragged: never inside out, each side at least `MIN_SIDE`.

    Args:
        box: As it was.
        grip: The handle. What is opposite to it stays where it is.
        move: (dx, dy) from where the handle was.
        size: (width, height) of the photo. A side gets no farther out of it than it was.
        keep_aspect: Whether both sides are scaled by the same factor.
        from_centre: Whether the middle stays where it is instead of what is opposite.
    """
    axes = [
        _Axis.of(low, high, hand, move[i], size[i], from_middle=from_centre or not hand)
        for i, (low, high, hand) in enumerate(((box[0], box[2], grip.x), (box[1], box[3], grip.y)))
    ]
    if keep_aspect:
        factor = _along(axes)
        factor = min(max(factor, *(axis.least for axis in axes)), *(axis.most for axis in axes))
        factors = [factor, factor]
    else:
        factors = [min(max(axis.factor, axis.least), axis.most) for axis in axes]
    (x0, x1), (y0, y1) = (axis.scaled(factor) for axis, factor in zip(axes, factors, strict=True))
    return x0, y0, x1, y1


class _Axis(NamedTuple):
    """A side of a box that is being scaled about a point of it."""

    low: float
    high: float
    still: float  # what stays
    reach: float  # from there to the end that is dragged; 0 where none is
    move: float  # of that end
    inside: tuple[float, float]  # what neither end gets out of

    @classmethod
    def of(cls, low: float, high: float, hand: int, move: float, size: int, *, from_middle: bool) -> _Axis:
        still = (low + high) / 2 if from_middle else low if hand > 0 else high
        end = high if hand > 0 else low
        return cls(low, high, still, end - still if hand else 0.0, move, (min(0.0, low), max(float(size), high)))

    @property
    def factor(self) -> float:
        """What the drag asks for."""
        return 1.0 + self.move / self.reach if self.reach else 1.0

    @property
    def least(self) -> float:
        length = self.high - self.low
        return min(MIN_SIDE, length) / length if length else 0.0

    @property
    def most(self) -> float:
        below, above = self.still - self.low, self.high - self.still
        room = [(self.still - self.inside[0]) / below] if below > 0 else []
        room += [(self.inside[1] - self.still) / above] if above > 0 else []
        return min(room, default=math.inf)

    def scaled(self, factor: float) -> tuple[float, float]:
        if factor == 1.0 or self.low == self.high:
            return self.low, self.high
        low, high = (self.still + factor * (end - self.still) for end in (self.low, self.high))
        return max(low, self.inside[0]), min(high, self.inside[1])


def _along(axes: list[_Axis]) -> float:
    """Return the factor of both axes: the dragged point's, on the line from what stays through where it was."""
    length = sum(axis.reach**2 for axis in axes)
    return 1.0 + sum(axis.move * axis.reach for axis in axes) / length if length else 1.0


def turned(points: NDArray[np.float64], degrees: float, size: Size) -> Affine:
    """Return the turn of points (N, 2) about the middle of the box around them, clockwise on the screen.

    What would get out of a photo of `size` (width, height), or farther out than it was, is shifted back; where there is
    no room for it at that angle, the nearest one on the way is taken at which there is.
    """
    (x0, y0), (x1, y1) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    inside = np.array(((min(0.0, x0), min(0.0, y0)), (max(float(size[0]), x1), max(float(size[1]), y1))))
    centre = (x0 + x1) / 2, (y0 + y1) / 2
    for angle in (*np.arange(abs(degrees), 0.0, -_STEP).tolist(), 0.0):
        turn = rotation(math.copysign(angle, degrees), centre)
        there = turn.points(points)
        low, high = there.min(axis=0), there.max(axis=0)
        if (high - low <= inside[1] - inside[0] + _ROUNDING).all():
            shift = np.maximum(inside[0] - low, 0.0) + np.minimum(inside[1] - high, 0.0)
            return turn.then_moved(*shift.tolist())
    return Affine()
