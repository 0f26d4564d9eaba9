"""Values of COCO records as tools write them: numbers as text, ids of any kind, outlines and masks in many forms.

The window and every command read by these functions, so that one file means the same to all of them.
"""

from __future__ import annotations

import ast
import math
import re
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dataset import rle
from dataset.masks import MAX_PIXELS, is_too_long

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

MAX_COORDINATE = 1e6
"""Coordinates beyond lie in no photo."""
MAX_COUNTS = 8_000_000
"""Characters or numbers of a run-length encoded mask: more is damage, and would take memory before it is found so."""
MAX_DEPTH = 6
"""Lists in lists of an outline."""
MIN_SURE = 0.5
"""Of a keypoint of a model that counts as visible."""
MAX_TEXT = 40
"""Characters of a number that stands as text."""

OutlineProblem = Literal["outline", "far", "runs", "mask_size", "mask_large"]
"""What is wrong with a segmentation: rings that are none, or far outside; runs that are none, of another size, or of
too many pixels."""


def as_number(value: object) -> float | None:
    """Return a finite number, also one that stands as text; None for everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def as_whole(value: object) -> int | None:
    """Return a whole number, also one that stands as text or as a float; None for everything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) <= MAX_TEXT and re.fullmatch(r"[+-]?[0-9]+", value.strip()):
        return int(value.strip())
    number = as_number(value)
    return int(number) if number is not None and number.is_integer() else None


def as_id(value: object) -> int | str | None:
    """Return what an id is compared by: "12", 12 and 12.0 are one; text is as it stands; None where it is no id."""
    if type(value) is int:  # all but always, and files have millions
        return value
    whole = as_whole(value)
    if whole is not None:
        return whole
    return value if isinstance(value, str) and value.strip() else None


def as_text(value: object) -> str:
    """Return text without surrounding space, and a number as its digits; "" for everything else."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def as_flag(value: object) -> bool:
    """Return a flag: a number other than 0, also as text, or true."""
    if isinstance(value, bool):
        return value
    number = as_number(value)
    return bool(number) if number is not None else isinstance(value, str) and value.strip().lower() == "true"


def as_size(record: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return the (width, height) of an entry of `images`; None where it has none that a photo can have."""
    width, height = as_whole(record.get("width")), as_whole(record.get("height"))
    if width is None or height is None or min(width, height) < 1 or width * height > MAX_PIXELS:
        return None
    return width, height


def as_file_name(record: Mapping[str, Any]) -> str:
    """Return the path of an entry of `images`, else the last part of its `coco_url`, or ""."""
    name = record.get("file_name")
    if not isinstance(name, str) or not name.strip():
        url = record.get("coco_url")
        name = url.partition("?")[0].rpartition("/")[2] if isinstance(url, str) else ""
    return name


def as_color(value: object) -> str:
    """Return "#rrggbb" of a colour as text, as numbers up to 255 or as fractions; "" where it is none."""
    if isinstance(value, list) and len(value) in (3, 4):
        numbers = [as_number(v) for v in value[:3]]
        known = [v for v in numbers if v is not None and v >= 0]
        if len(known) < 3 or max(known) > 255:
            return ""
        if max(known) <= 1 and any(isinstance(v, float) for v in value[:3]):
            known = [255 * v for v in known]
        return "#" + "".join(f"{round(v):02x}" for v in known)
    color = value.strip().lower() if isinstance(value, str) else ""
    return color if re.fullmatch("#[0-9a-f]{6}", color) else ""


def as_box(value: object) -> tuple[float, float, float, float] | None:
    """Return a bbox of four finite numbers: x, y, width, height; None where it is none."""
    if not isinstance(value, list) or len(value) != 4:
        return None
    if all(type(v) is float and math.isfinite(v) for v in value):
        return tuple(value)
    x, y, width, height = (as_number(v) for v in value)
    return None if x is None or y is None or width is None or height is None else (x, y, width, height)


def as_numbers(values: Sequence[object]) -> NDArray[np.float64] | None:
    """Return finite numbers [N], None where one is none."""
    try:
        found = np.asarray(values)
    except (ValueError, OverflowError):  # lists among them
        return None
    if found.ndim != 1:
        return None
    if found.dtype.kind not in "if":  # text, or nothing, or numbers of any length
        found = np.array([number if (number := as_number(v)) is not None else math.nan for v in values])
    return found.astype(np.float64) if bool(np.isfinite(found).all()) else None


def as_keypoints(value: object) -> list[float] | None:
    """Return keypoints as x, y, v of each, v being 0, 1 or 2; empty where there are none, None where they are damaged.

    Points may be lists of three; one of visibility 0 may be without coordinates.
    """
    if value is None or value == []:
        return []
    value = _flat_keypoints(value)
    if value is None:
        return None
    found: list[float] = []
    for x, y, v in zip(value[::3], value[1::3], value[2::3], strict=True):
        visibility = as_number(v)
        if visibility is None:
            return None
        a, b = as_number(x), as_number(y)
        if visibility <= 0 and (a is None or b is None):
            a, b = 0, 0
        if a is None or b is None or max(abs(a), abs(b)) >= MAX_COORDINATE:
            return None
        found += [a, b, int(min(2, max(0, visibility)))]
    return found


def with_visibilities(value: object) -> object:
    """Return keypoints of a model with v for how sure it is of each: 2 from a half on, 1 below that, 0 for 0.

    If all of them are whole, they are v already. What is damaged stays so.
    """
    flat = _flat_keypoints(value)
    if flat is None:
        return value
    sure = [as_number(v) for v in flat[2::3]]
    if any(v is not None and v % 1 for v in sure):
        flat[2::3] = [None if v is None else 2 if v >= MIN_SURE else int(v > 0) for v in sure]
    return flat


def _flat_keypoints(value: object) -> list[Any] | None:
    """Return a list of x, y, v of each, None where it is none; points that are no lists of three have no numbers."""
    if not isinstance(value, list):
        return None
    if all(isinstance(v, list) for v in value):
        return [v for point in value for v in (point if len(point) == 3 else (None, None, None))]
    return None if len(value) % 3 else list(value)


def as_segmentation(
    value: object, size: tuple[int, int] | None, *, fits: bool = True
) -> tuple[list[list[float]] | dict[str, Any] | None, OutlineProblem | None]:
    """Return a segmentation as COCO has it, None where there is none, and what is wrong with it.

    Of several rings the good ones count: the others are left out and are what is wrong. A mask is `size`, [height,
    width], and `counts`, compressed or a list of whole numbers, which fill that size.

    Args:
        value: As in the file: rings, flat or nested more deeply, or as points; a mask, or a list of masks.
        size: (width, height) of the photo; None where it is not known.
        fits: Whether a mask must have that size.
    """
    if value is None or value in ([], {}, ""):
        return None, None
    masks = [value] if isinstance(value, dict) else value
    if isinstance(masks, list) and all(isinstance(mask, dict) for mask in masks):
        return _mask(masks, size if fits else None)
    if not isinstance(value, list):
        return None, "outline"
    rings: list[list[float]] = []
    problem: OutlineProblem | None = None
    for numbers in _flat_rings(value, 0):
        ring = as_numbers(numbers) if numbers is not None else None
        if ring is None or len(ring) % 2 or len(ring) < 6:
            problem = problem or "outline"
        elif np.abs(ring).max() >= MAX_COORDINATE or is_too_long(ring.reshape(-1, 2), size):
            problem = "far"
        else:
            rings.append(ring.tolist())
    return rings or None, problem


def stands_for_box(segmentation: object) -> bool:
    """Return whether a segmentation is one ring of too few points, by which old files say that there is but a box."""
    return (
        isinstance(segmentation, list)
        and len(segmentation) == 1
        and isinstance(segmentation[0], list)
        and len(segmentation[0]) in (0, 2, 4)
        and as_numbers(segmentation[0]) is not None
    )


def _flat_rings(value: list[Any], depth: int) -> list[list[Any] | None]:
    """Return the rings of an outline, each x, y, x, y, ..., None for what is none."""
    if not any(isinstance(v, list) for v in value):
        return [value]
    if not all(isinstance(v, list) for v in value) or depth > MAX_DEPTH:
        return [None]
    if len(value) > 2 and all(len(v) == 2 and not isinstance(v[0], list) for v in value):  # points
        return [[number for point in value for number in point]]
    return [ring for v in value for ring in _flat_rings(v, depth + 1)]


def _mask(
    masks: list[dict[str, Any]], size: tuple[int, int] | None
) -> tuple[dict[str, Any] | None, OutlineProblem | None]:
    found = [_one_mask(mask) for mask in masks]
    good = [mask for mask in found if mask is not None]
    if not good or len(good) < len(found) or any(mask["size"] != good[0]["size"] for mask in good):
        return None, "runs"
    height, width = good[0]["size"]
    if size is not None and size != (width, height):
        return None, "mask_size"
    if len(good) == 1:
        return good[0], None
    return dict(rle.merge([rle.from_coco(mask, (height, width)) for mask in good])), None


def _one_mask(mask: dict[str, Any]) -> dict[str, Any] | None:
    """Return a mask whose runs fill its size, None where they do not."""
    size, counts = mask.get("size"), mask.get("counts")
    sides = [as_whole(v) for v in size] if isinstance(size, list) else []
    if len(sides) != 2 or sides[0] is None or sides[1] is None or min(sides[0], sides[1]) < 1:
        return None
    pixels = sides[0] * sides[1]
    if pixels > MAX_PIXELS or not isinstance(counts, str | list) or len(counts) > MAX_COUNTS:
        return None
    if isinstance(counts, str):
        counts = _bytes_in_text(counts)
        try:
            runs = rle.run_lengths(counts)
        except ValueError:
            return None
        fits = runs.size > 0 and runs.min() >= 0 and runs.max() <= pixels and int(runs.sum()) == pixels
        return {"size": sides, "counts": counts} if fits else None
    lengths = [as_whole(v) for v in counts]
    numbers = [v for v in lengths if v is not None and v >= 0]
    return {"size": sides, "counts": numbers} if len(numbers) == len(lengths) and sum(numbers) == pixels else None


def _bytes_in_text(counts: str) -> str:
    """Return the text of "b'...'", as Python prints bytes; other text as it is."""
    if counts[:2] not in ("b'", 'b"'):
        return counts
    try:
        return ast.literal_eval(counts).decode("ascii")
    except (ValueError, SyntaxError, MemoryError, UnicodeDecodeError):
        return counts
