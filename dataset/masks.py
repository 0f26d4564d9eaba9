"""Outlines and masks: `rasterize` paints by COCO's own rasteriser, `trace` follows the pixel edges.

The pixel (0, 0) covers [0, 1) x [0, 1), so a mask's outline runs along whole numbers, and a mask turned into an outline
and back is the same mask. An outline is painted as COCO does: each ring by the even-odd rule, holes taken out of their
part, parts united. What lies outside the image is cut off.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from dataset import rle
from dataset.geometry import without_short_rings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from dataset.geometry import Parts
    from dataset.rle import Rle

MAX_PIXELS = 2**31 - 1  # COCO's rasteriser counts pixels in 32 bits
MAX_DECODED = 2**27  # pixels of a mask's bounding box: 540 MB while it is traced; a larger one is taken for damage
MAX_OUTLINE = 4e6  # pixels around a ring: the rasteriser takes 80 bytes for each
_AT_ONCE = 2**16  # pixels that are compared at a time, few enough for a processor's cache

_TOP_LEFT, _TOP_RIGHT, _BOTTOM_LEFT, _BOTTOM_RIGHT = 1, 2, 4, 8
_FALLING = _TOP_LEFT | _BOTTOM_RIGHT  # two pixels that touch at a corner only
_RISING = _TOP_RIGHT | _BOTTOM_LEFT


def trace(mask: NDArray[Any], origin: tuple[int, int] = (0, 0)) -> Parts:
    """Return the outline of a mask along its pixels' edges, with holes; a part for each 4-connected region.

    Args:
        mask: (H, W), any type; what is not zero is inside.
        origin: (x, y) of the mask's first pixel in the image.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if len(rows) == 0:
        return []
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    crop = np.zeros((rows[-1] - top + 3, columns[-1] - left + 3), np.uint8)  # with a background border of one pixel
    np.not_equal(mask[top : rows[-1] + 1, left : columns[-1] + 1], 0, out=crop[1:-1, 1:-1].view(bool))
    return _outline(crop, (origin[0] + left, origin[1] + top))


def rasterize(parts: Iterable[Sequence[ArrayLike]], size: tuple[int, int]) -> Rle:
    """Return the mask of an outline in an image of `size` (width, height), as COCO's rasteriser paints it.

    Args:
        parts: Each [exterior, hole, ...], each ring (N, 2). Rings of fewer than 3 vertices are left out, and a part
            without its exterior with them.
        size: Of the image.

    Raises:
        ValueError: An image of that size has no mask (no pixels, or 2**31 and more).
    """
    width, height = checked_size(size)
    painted = []
    near = [[nearby(ring, size) for ring in part] for part in without_short_rings(parts)]
    for exterior, *holes in without_short_rings(near):
        part = rle.from_polygons([exterior.ravel().tolist()], (height, width))
        if holes:
            cut = rle.from_polygons([hole.ravel().tolist() for hole in holes], (height, width))
            part = rle.merge([part, rle.invert(cut)], intersect=True)
        painted.append(part)
    return rle.merge(painted) if painted else rle.from_runs([width * height], (height, width))


def is_of_pixels(parts: Parts) -> bool:
    """Return whether an outline is one that `trace` could return: its rings run along the edges of pixels."""
    rings = [ring for part in parts for ring in part]
    return all(
        (ring == np.round(ring)).all() and (ring == np.roll(ring, -1, axis=0)).any(axis=1).all() for ring in rings
    )


def trace_rle(size: Sequence[int], counts: str | Sequence[int]) -> Parts:
    """Return the outline of a run-length encoded mask, compressed (a string) or not (a list of run lengths).

    Args:
        size: [height, width], as COCO has it.
        counts: The runs.

    Raises:
        ValueError: the runs do not fit the size, are not runs, or the mask is larger than any photo.
    """
    width, height = checked_size((size[1], size[0]))
    runs = rle.run_lengths(counts) if isinstance(counts, str) else np.array(counts, np.int64)
    if runs.size and (runs.min() < 0 or runs.max() > width * height or runs.sum() > width * height):
        raise ValueError("its mask has runs that do not fit its size")
    ends = np.cumsum(runs)
    starts, ends = ends[:-1:2], ends[1::2]  # of the runs inside
    starts, ends = starts[ends > starts], ends[ends > starts]
    if len(starts) == 0:
        return []
    left, right = int(starts[0] // height), int((ends[-1] - 1) // height) + 1
    if (right - left) * height > MAX_DECODED:
        raise ValueError("its mask is larger than any photo")
    flips = np.column_stack((starts, ends)).ravel() - left * height
    lengths = np.diff(flips, prepend=0, append=(right - left) * height)
    inside = np.arange(len(lengths)) % 2 == 1
    columns = np.repeat(inside, lengths).reshape(right - left, height)
    return trace(columns.T, (left, 0))


def checked_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return the size (width, height), if a mask can have it.

    Raises:
        ValueError: it has no pixels, or 2**31 and more.
    """
    width, height = size
    if width < 1 or height < 1 or width * height > MAX_PIXELS:
        raise ValueError(f"a photo of {width} x {height} pixels cannot have a mask")
    return width, height


# Masks to outlines


def _outline(padded: NDArray[np.uint8], origin: tuple[int, int]) -> Parts:
    """Return the outline of a mask with a border of zeros, whose first pixel after the border lies at `origin`."""
    points, following, on_saddle = _corners(padded)
    loops = _loops(following, on_saddle)
    xy = points[np.fromiter(chain.from_iterable(loops), np.int64)]
    lengths = np.array([len(loop) for loop in loops])
    firsts = np.cumsum(lengths) - lengths
    rings = np.split((xy + origin).astype(float), firsts[1:])
    after = np.arange(1, len(xy) + 1)  # the next corner around each loop
    after[firsts + lengths - 1] = firsts
    # The inside is on the right hand, so on a screen exteriors run clockwise and holes against it.
    is_hole = np.add.reduceat((xy[after, 0] - xy[:, 0]) * xy[:, 1], firsts) > 0
    if not is_hole.any():
        return [[ring] for ring in rings]
    if is_hole.sum() == len(rings) - 1:  # of one exterior, which takes no labelling of every pixel
        outer = int(np.flatnonzero(~is_hole)[0])
        return [[rings[outer], *rings[:outer], *rings[outer + 1 :]]]
    # A hole belongs to the exterior that runs around the same 4-connected region: that of the pixel on the right hand.
    _, regions = cv2.connectedComponents(padded, connectivity=4)
    x, y = xy[firsts].T
    dx, dy = (xy[after[firsts]] - xy[firsts]).T
    region = regions[y + ((dx > 0) | (dy > 0)), x + ((dx > 0) | (dy < 0))]
    parts: Parts = []
    last = -1
    for place in np.lexsort((is_hole, region)).tolist():
        if region[place] != last:
            last = region[place]
            parts.append([])
        parts[-1].append(rings[place])
    return parts


def _corners(padded: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Every corner of the outline: (N, 2) x, y; the index of the corner that follows; whether pixels touch there.

    Where two pixels touch at a point only there are two corners, one around each pixel, so regions are 4-connected.
    """
    points = _turns(padded)
    y, x = np.divmod(points, padded.shape[1] - 1)
    codes = padded[y, x] | padded[y, x + 1] << 1 | padded[y + 1, x] << 2 | padded[y + 1, x + 1] << 3
    twice = np.where((codes == _FALLING) | (codes == _RISING), 2, 1)
    codes, x, y = (np.repeat(each, twice) for each in (codes, x, y))
    on_saddle = np.repeat(twice == 2, twice)
    second = on_saddle & (np.arange(len(x)) - np.repeat(np.cumsum(twice) - twice, twice) == 1)

    # Along a row the corners are the ends of the horizontal edges in turn: left, right, left, right, ...
    # Of the two on one point the one with the edge on its left comes first. The same down each column, where it is the
    # one with the edge above: for falling pixels that is the first too, for rising ones the second.
    horizontal = np.arange(len(x)) ^ 1
    down = np.lexsort((second ^ (codes == _RISING), y, x))
    vertical = np.empty_like(down)
    vertical[down] = down[np.arange(len(down)) ^ 1]

    # With the inside on the right hand, an edge runs to the right if the inside is below it.
    inside_below = np.repeat(codes[::2] & _BOTTOM_RIGHT > 0, 2)
    is_left = np.arange(len(x)) % 2 == 0
    return np.column_stack((x, y)), np.where(inside_below == is_left, horizontal, vertical), on_saddle


def _turns(padded: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The points, of W - 1 to a row, around which the four pixels [H, W] of 0 and 1 are neither alike nor an edge."""
    width = padded.shape[1]
    step = max(1, _AT_ONCE // width)
    found = []
    for top in range(0, len(padded) - 1, step):
        rows = padded[top : top + step + 1]
        across = rows[:, :-1] ^ rows[:, 1:]  # whether an edge runs between two pixels of a row
        above, below = across[:-1], across[1:]
        touching = above & below & (rows[:-1, :-1] ^ rows[1:, :-1])
        found.append(np.flatnonzero((above ^ below | touching).view(bool)) + top * (width - 1))
    return np.concatenate(found)


def _loops(following: NDArray[np.int64], on_saddle: NDArray[np.bool_]) -> list[list[int]]:
    """The corners in loops that touch no point twice."""
    after, saddle = following.tolist(), on_saddle.tolist()
    twin = _twins(on_saddle)
    seen = bytearray(len(after))
    loops: list[list[int]] = []
    for start in range(len(after)):
        if seen[start]:
            continue
        loop: list[int] = []
        at: dict[int, int] = {}  # point where pixels touch -> how far along the loop it was passed
        corner = start
        while not seen[corner]:
            seen[corner] = 1
            if saddle[corner]:
                point = twin[corner]
                if point in at:  # passed before: what came since is a loop of its own
                    loops.append(loop[at[point] :])
                    for passed in loops[-1]:
                        if saddle[passed]:
                            at.pop(twin[passed], None)
                    del loop[len(loop) - len(loops[-1]) :]
                at[point] = len(loop)
            loop.append(corner)
            corner = after[corner]
        loops.append(loop)
    return loops


def _twins(on_saddle: NDArray[np.bool_]) -> list[int]:
    """For every corner where pixels touch, the lower index of its two corners; they follow one another."""
    return (np.arange(len(on_saddle)) - (np.cumsum(on_saddle) % 2 == 0)).tolist()


def nearby(ring: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
    """Return a ring (N, 2), cut off where it runs so far outside that the rasteriser would take memory for it.

    Inside the image of `size` (width, height) the same points are inside the ring by the even-odd rule (Sutherland and
    Hodgman 1974): it need not be valid.
    """
    limits = np.array(size, float)
    if len(ring) == 0 or ((ring >= -limits) & (ring <= 2 * limits)).all():
        return ring
    for axis in (0, 1):
        for sign, limit in ((1, -limits[axis]), (-1, 2 * limits[axis])):
            depth = sign * (ring[:, axis] - limit)  # above 0 on the side that stays
            after, depth_after = np.roll(ring, -1, axis=0), np.roll(depth, -1)
            crosses = (depth >= 0) != (depth_after >= 0)
            with np.errstate(divide="ignore", invalid="ignore"):
                crossing = ring + (depth / (depth - depth_after))[:, None] * (after - ring)
            ring = np.stack((ring, crossing), axis=1)[np.column_stack((depth >= 0, crosses))]
    return ring


def is_too_long(ring: NDArray[np.float64], size: tuple[int, int] | None) -> bool:
    """Return whether a ring (N, 2) goes to and fro so often that the rasteriser would take hundreds of megabytes.

    Args:
        ring: x, y of its vertices.
        size: (width, height) of the image, None where it is not known.
    """
    if size is not None:
        if len(ring) * 3 * (size[0] + size[1]) <= MAX_OUTLINE:
            return False
        ring = np.clip(ring, (-size[0], -size[1]), (2 * size[0], 2 * size[1]))
    return float(np.abs(ring - np.roll(ring, -1, axis=0)).sum()) > MAX_OUTLINE
