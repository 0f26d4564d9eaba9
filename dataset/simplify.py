"""Outlines with fewer vertices, and smoother ones: valid, of the same parts and holes, within a distance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely import MultiPolygon

from dataset.geometry import bounds, clip, from_parts, to_parts, valid

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TRIES = (1.0, 0.5, 0.25, 0.125)  # of the distance, where more of it would cross edges
_STEP = 0.5  # of the strength: between the points at which a ring is sampled; cuts a corner by half of that
_MOST = 0.5  # of the strength: how far a point is moved
_SLACK = 0.2  # of the strength: how far it may be from what is kept of the points. All three: less than the strength.
_PASSES = 4
_MAX_POINTS = 2**16  # of a ring that is smoothed


def vertex_count(shape: MultiPolygon) -> int:
    """Return the number of vertices, without closing points."""
    return sum(len(ring.coords) - 1 for part in shape.geoms for ring in (part.exterior, *part.interiors))


def refine(shape: MultiPolygon, tolerance: float, strength: float, size: tuple[int, int]) -> MultiPolygon:
    """Return the shape smoothed, then simplified.

    Args:
        shape: Any shape; an invalid one is taken as it is painted (`geometry.valid`).
        tolerance: Pixels within which vertices are left out (Douglas and Peucker); 0 leaves none out. Next to where
            a ring begins it may be twice as many, because GEOS leaves that vertex out afterwards.
        strength: Pixels within which the outline is smoothed; 0 leaves it.
        size: (width, height) of the photo, in which it stays.

    Returns:
        A valid shape with as many parts and holes, the same one where nothing is to change, or it has no area.
    """
    if not (tolerance or strength):
        return shape
    start = mended(shape, size)
    return shape if start.is_empty else simplify(smooth(start, strength, size), tolerance)


def mended(shape: MultiPolygon, size: tuple[int, int]) -> MultiPolygon:
    """Return the shape, or a valid one of what is painted of it: of 10,000 vertices that takes 70 ms."""
    return shape if shape.is_valid else clip(valid(shape), size)


def simplify(shape: MultiPolygon, tolerance: float) -> MultiPolygon:
    """Return a valid shape without the vertices that are needed only within `tolerance` pixels."""
    for share in _TRIES if tolerance else ():
        # GEOS gives a shape of one part back as that part.
        made = MultiPolygon(list(shapely.get_parts(shapely.simplify(shape, share * tolerance))))
        if _is_alike(made, shape):
            return made
    return shape


def smooth(shape: MultiPolygon, strength: float, size: tuple[int, int]) -> MultiPolygon:
    """Return a valid shape with its rings low-pass filtered along their length, moved by no more than `strength`."""
    # One that sticks out of the photo may do so as far as before.
    least, most = np.minimum(0.0, bounds(shape)[:2]), np.maximum(size, bounds(shape)[2:])
    for share in _TRIES if strength else ():
        made = from_parts(
            [[np.clip(_smooth_ring(ring, share * strength), least, most) for ring in part] for part in to_parts(shape)]
        )
        if _is_alike(made, shape):
            return made
    return shape


def without_spikes(shape: MultiPolygon, reach: float, size: tuple[int, int]) -> MultiPolygon:
    """Return a shape without spikes and slits thinner than twice `reach` pixels; itself, where nothing else is left.

    Morphological opening and closing. `size` is (width, height) of the photo.
    """
    opened = shapely.buffer(valid(shape), -reach, join_style="mitre")
    closed = shapely.buffer(opened, 2 * reach, join_style="mitre")
    made = clip(shapely.buffer(closed, -reach, join_style="mitre"), size)
    return shape if made.is_empty else made


def _is_alike(made: MultiPolygon, shape: MultiPolygon) -> bool:
    """Return whether a shape is a valid one of as many parts and holes."""
    return [len(p.interiors) for p in made.geoms] == [len(p.interiors) for p in shape.geoms] and made.is_valid


def _smooth_ring(ring: NDArray[np.float64], strength: float) -> NDArray[np.float64]:
    """Return a ring (N, 2), not closed, smoothed over about twice the strength."""
    closed = np.concatenate((ring, ring[:1]))
    lengths = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))))
    count = int(min(max(lengths[-1] / (_STEP * strength), 8), _MAX_POINTS))
    count += -count % 2 ** (count.bit_length() // 2)  # of small factors, for the transform
    at = np.arange(count) * (lengths[-1] / count)
    points = np.stack([np.interp(at, lengths, axis) for axis in closed.T])
    # What a Gaussian takes away is smoothed and given back once, so that round shapes hardly shrink.
    kept = np.exp(-2 * (np.pi * np.fft.rfftfreq(count, lengths[-1] / count) * strength) ** 2)
    shift = np.fft.irfft(np.fft.rfft(points) * (2 * kept - kept**2), count) - points
    shift *= np.minimum(1.0, _MOST * strength / np.maximum(np.hypot(*shift), 1e-12))
    made = (points + shift).T
    for _ in range(_PASSES):
        made = _without_straight(made, _SLACK * strength / _PASSES)
    return made


def _without_straight(ring: NDArray[np.float64], slack: float) -> NDArray[np.float64]:
    """Return a ring without those of every other vertex that are as near as that to the edge that is left.

    Douglas and Peucker's leaves fewer, in 54 instead of 3 ms for 50,000 vertices.
    """
    if len(ring) < 8:
        return ring
    odd = ring[1::2]
    before, after = ring[: len(ring) - 1 : 2], np.roll(ring[::2], -1, axis=0)[: len(odd)]
    edge, out = after - before, odd - before
    along = np.einsum("ij,ij->i", out, edge) / np.maximum(np.einsum("ij,ij->i", edge, edge), 1e-12)
    distance = np.hypot(*(out - np.clip(along, 0, 1)[:, None] * edge).T)
    kept = np.ones(len(ring), bool)
    kept[1::2] = distance > slack
    return ring[kept]
