"""Shapes and masks: outlines along pixel edges, and masks by COCO's own rasteriser.

The pixel (0, 0) covers [0, 1) x [0, 1), so a mask's outline runs along whole numbers, and a mask turned into a shape
and back is the same mask. A shape is painted as COCO does: each ring by the even-odd rule, holes taken out of their
part, parts united. What lies outside the photo is cut off.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, TypedDict

import cv2
import numpy as np
import shapely
from pycocotools import mask as _coco_mask
from shapely import MultiPolygon

from dataset.geometry import to_parts, valid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

coco_mask: Any = _coco_mask  # its stubs know neither strings as counts nor lists of runs

MAX_PIXELS = 2**31 - 1  # COCO's rasteriser counts pixels in 32 bits
MAX_DECODED = 2**28  # pixels of a mask's bounding box; a larger one is taken for damage

_TOP_LEFT, _TOP_RIGHT, _BOTTOM_LEFT, _BOTTOM_RIGHT = 1, 2, 4, 8
_FALLING = _TOP_LEFT | _BOTTOM_RIGHT  # two pixels that touch at a corner only
_RISING = _TOP_RIGHT | _BOTTOM_LEFT
_TURNS = np.array([code in (_FALLING, _RISING) or code.bit_count() % 2 == 1 for code in range(16)])


class Rle(TypedDict):
    """COCO's compressed run-length encoding: runs down the columns, the first of them background."""

    size: list[int]  # [height, width]
    counts: str


def from_mask(mask: NDArray[Any], origin: tuple[int, int] = (0, 0)) -> MultiPolygon:
    """The outline of a mask along its pixels' edges, with holes; a part for each 4-connected region.

    Args:
        mask: (H, W), any type; what is not zero is inside.
        origin: (x, y) of the mask's first pixel in the photo.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if len(rows) == 0:
        return MultiPolygon()
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    crop = np.zeros((rows[-1] - top + 3, columns[-1] - left + 3), np.uint8)  # with a background border of one pixel
    crop[1:-1, 1:-1] = mask[top : rows[-1] + 1, left : columns[-1] + 1] != 0
    return _outline(crop, (origin[0] + left, origin[1] + top))


def to_rle(shape: MultiPolygon, size: tuple[int, int]) -> Rle:
    """The mask of a shape in a photo of `size` (width, height), as COCO's rasteriser paints it.

    Raises:
        ValueError: a photo of that size has no mask (no pixels, or 2**31 and more).
    """
    width, height = checked_size(size)
    painted = []
    for exterior, *holes in to_parts(_nearby(shape, width, height)):
        part = coco_mask.frPyObjects([exterior.ravel().tolist()], height, width)
        if holes:
            cut = coco_mask.merge(coco_mask.frPyObjects([hole.ravel().tolist() for hole in holes], height, width))
            part = [coco_mask.merge([*part, _inverse(cut)], intersect=True)]
        painted += part
    if not painted:
        return _compressed(np.array([width * height]), width, height)
    merged = painted[0] if len(painted) == 1 else coco_mask.merge(painted)
    return {"size": [height, width], "counts": merged["counts"].decode()}


def to_mask(shape: MultiPolygon, size: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask of a shape in a photo of `size` (width, height): (height, width). Raises ValueError like `to_rle`."""
    width, height = size
    runs = _runs(to_rle(shape, size)["counts"].encode())  # pycocotools' own decode warns under NumPy 2
    inside = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return np.ascontiguousarray(inside.reshape(width, height).T)


def area(rle: Rle) -> int:
    """The number of pixels inside."""
    return int(coco_mask.area(rle))


def from_rle(size: Sequence[int], counts: str | Sequence[int]) -> MultiPolygon:
    """The outline of a run-length encoded mask, compressed (a string) or not (a list of run lengths).

    Args:
        size: [height, width], as COCO has it.
        counts: The runs.

    Raises:
        ValueError: the runs do not fit the size, are not runs, or the mask is larger than any photo.
    """
    width, height = checked_size((size[1], size[0]))
    runs = _runs(counts.encode()) if isinstance(counts, str) else np.array(counts, np.int64)
    if runs.size and (runs.min() < 0 or runs.max() > width * height or runs.sum() > width * height):
        raise ValueError("its mask has runs that do not fit its size")
    ends = np.cumsum(runs)
    starts, ends = ends[:-1:2], ends[1::2]  # of the runs inside
    starts, ends = starts[ends > starts], ends[ends > starts]
    if len(starts) == 0:
        return MultiPolygon()
    left, right = int(starts[0] // height), int((ends[-1] - 1) // height) + 1
    if (right - left) * height > MAX_DECODED:
        raise ValueError("its mask is larger than any photo")
    flips = np.column_stack((starts, ends)).ravel() - left * height
    lengths = np.diff(flips, prepend=0, append=(right - left) * height)
    inside = np.arange(len(lengths)) % 2 == 1
    columns = np.repeat(inside, lengths).reshape(right - left, height)
    return from_mask(columns.T, (left, 0))


def checked_size(size: tuple[int, int]) -> tuple[int, int]:
    """The size (width, height), if a mask can have it.

    Raises:
        ValueError: it has no pixels, or 2**31 and more.
    """
    width, height = size
    if width < 1 or height < 1 or width * height > MAX_PIXELS:
        raise ValueError(f"a photo of {width} x {height} pixels cannot have a mask")
    return width, height


# Masks to outlines


def _outline(padded: NDArray[np.uint8], origin: tuple[int, int]) -> MultiPolygon:
    """The outline of a mask that has a border of zeros; `origin` is the place of its first pixel after the border."""
    points, following, on_saddle = _corners(padded)
    loops = _loops(following, on_saddle)
    xy = points[np.fromiter(chain.from_iterable(loops), np.int64)]
    lengths = np.array([len(loop) for loop in loops])
    firsts = np.cumsum(lengths) - lengths
    owner: Any = np.repeat(np.arange(len(loops)), lengths)
    moved: Any = (xy + origin).astype(float)
    linear: Any = shapely.linearrings(moved, indices=owner)
    after = np.arange(1, len(xy) + 1)  # the next corner around each loop
    after[firsts + lengths - 1] = firsts
    # The inside is on the right hand, so on a screen exteriors run clockwise and holes against it.
    is_hole = np.add.reduceat((xy[after, 0] - xy[:, 0]) * xy[:, 1], firsts) > 0
    if not is_hole.any():
        return MultiPolygon(list(shapely.polygons(linear)))
    # A hole belongs to the exterior that runs around the same 4-connected region: that of the pixel on the right hand.
    _, regions = cv2.connectedComponents(padded, connectivity=4)
    x, y = xy[firsts].T
    dx, dy = (xy[after[firsts]] - xy[firsts]).T
    region = regions[y + ((dx > 0) | (dy > 0)), x + ((dx > 0) | (dy < 0))]
    order = np.lexsort((is_hole, region))
    part: Any = np.unique(region[order], return_inverse=True)[1]
    return MultiPolygon(list(shapely.polygons(linear[order], indices=part)))


def _corners(padded: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Every corner of the outline: (N, 2) x, y; the index of the corner that follows; whether pixels touch there.

    Where two pixels touch at a point only there are two corners, one around each pixel, so regions are 4-connected.
    """
    code = padded[:-1, :-1] | padded[:-1, 1:] << 1 | padded[1:, :-1] << 2 | padded[1:, 1:] << 3
    places = np.flatnonzero(_TURNS[code])
    codes = code.ravel()[places]
    twice = np.where((codes == _FALLING) | (codes == _RISING), 2, 1)
    places, codes = np.repeat(places, twice), np.repeat(codes, twice)
    y, x = np.divmod(places, code.shape[1])
    on_saddle = np.repeat(twice == 2, twice)
    second = on_saddle & (np.arange(len(places)) - np.repeat(np.cumsum(twice) - twice, twice) == 1)

    # Along a row the corners are the ends of the horizontal edges in turn: left, right, left, right, ...
    # Of the two on one point the one with the edge on its left comes first. The same down each column, where it is the
    # one with the edge above: for falling pixels that is the first too, for rising ones the second.
    horizontal = np.arange(len(places)) ^ 1
    down = np.lexsort((second ^ (codes == _RISING), y, x))
    vertical = np.empty_like(down)
    vertical[down] = down[np.arange(len(down)) ^ 1]

    # With the inside on the right hand, an edge runs to the right if the inside is below it.
    inside_below = np.repeat(codes[::2] & _BOTTOM_RIGHT > 0, 2)
    is_left = np.arange(len(places)) % 2 == 0
    return np.column_stack((x, y)), np.where(inside_below == is_left, horizontal, vertical), on_saddle


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


# Runs


def _runs(counts: bytes) -> NDArray[np.int64]:
    """The run lengths in COCO's compressed string: 5 bits to a character, less the run two before from the fourth on.

    Raises:
        ValueError: it is no such string.
    """
    characters = np.frombuffer(counts, np.uint8).astype(np.int64) - ord("0")
    if len(characters) == 0:
        return characters
    ends = np.flatnonzero(characters & 0x20 == 0)
    if characters.min() < 0 or characters.max() > 0x3F or len(ends) == 0 or ends[-1] != len(characters) - 1:
        raise ValueError("its mask is not run-length encoded")
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts + 1
    if lengths.max() > 7:
        raise ValueError("its mask is not run-length encoded")
    place = np.arange(len(characters)) - np.repeat(starts, lengths)
    runs = np.add.reduceat((characters & 0x1F) << (5 * place), starts)
    runs -= np.where(characters[ends] & 0x10, np.int64(1) << (5 * lengths), 0)
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    return runs


def _inverse(rle: dict[str, Any]) -> dict[str, Any]:
    """The mask of everything else."""
    height, width = rle["size"]
    runs = _runs(rle["counts"])
    return coco_mask.frPyObjects(
        {"size": [height, width], "counts": runs[1:].tolist() if runs[0] == 0 else [0, *runs.tolist()]}, height, width
    )


def _compressed(runs: NDArray[np.int64], width: int, height: int) -> Rle:
    rle = coco_mask.frPyObjects({"size": [height, width], "counts": runs.tolist()}, height, width)
    return {"size": [height, width], "counts": rle["counts"].decode()}


def _nearby(shape: MultiPolygon, width: int, height: int) -> MultiPolygon:
    """The shape, cut off where it runs so far outside that the rasteriser would take memory for it."""
    if shape.is_empty:
        return shape
    x0, y0, x1, y1 = shape.bounds
    if x0 >= -width and y0 >= -height and x1 <= 2 * width and y1 <= 2 * height:
        return shape
    cut = shapely.clip_by_rect(valid(shape), -1, -1, width + 1, height + 1)
    polygons = [part for part in shapely.get_parts(cut) if part.geom_type == "Polygon"]
    return MultiPolygon(polygons)
