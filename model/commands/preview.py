"""Previews of detections: outlines, names and skeletons drawn over the photo."""

from __future__ import annotations

import colorsys
from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dataset.atomic_files import replacement
from dataset.regular_files import open_regular

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from dataset.coco.categories import Category
    from model.inference.instance import Instance

MAX_SIDE = 1600
"""Pixels of the longer side of a preview at most."""
SUBPIXEL = 4
"""Fractional bits of OpenCV's drawing coordinates."""
FILL = 0.28
"""Opacity of the inside of a mask."""
HUES = (0.58, 0.08, 0.38, 0.92, 0.14, 0.50, 0.76, 0.02, 0.30, 0.66, 0.84, 0.20)
"""Hues of the categories, in order: far apart, successive ones furthest."""
COMMENT = b"annotator suggest --preview"
"""What a preview says of itself: such a file may be replaced, any other not."""


def picture_names(photos: list[str]) -> dict[str, str]:
    """Return the name of each photo's preview, another for each: `a.jpg` of `a.png`, but `a.png.jpg` beside an `a.jpg`.

    Args:
        photos: Paths relative to a folder, with `/`.
    """
    short = {name: PurePosixPath(name).with_suffix(".jpg").as_posix() for name in photos}
    claims = Counter(claim.lower() for name in photos for claim in {short[name].lower(), f"{name}.jpg".lower()})
    return {name: short[name] if claims[short[name].lower()] == 1 else f"{name}.jpg" for name in photos}


def category_colour(index: int) -> tuple[int, int, int]:
    """Return the RGB colour of the category with an index; after the hues run out, lighter and darker ones follow."""
    value = (0.95, 0.75, 0.6)[index // len(HUES) % 3]
    red, green, blue = colorsys.hsv_to_rgb(HUES[index % len(HUES)], 0.75, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def draw(photo: NDArray[np.uint8], instances: list[Instance], categories: tuple[Category, ...]) -> Image.Image:
    """Return a preview, at most MAX_SIDE pixels on its longer side.

    Args:
        photo: [height, width, 3] uint8 RGB.
        instances: In pixels of the photo.
        categories: Of the model.
    """
    scale = min(1.0, MAX_SIDE / max(photo.shape[:2]))
    size = (max(1, round(photo.shape[1] * scale)), max(1, round(photo.shape[0] * scale)))
    canvas = photo.copy()
    if scale < 1:
        canvas = cv2.resize(photo, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    index = {category.id: i for i, category in enumerate(categories)}
    line = max(2, round(max(size) / 500))
    weakest_first = sorted(instances, key=lambda instance: instance.score)
    for instance in weakest_first:
        colour = category_colour(index[instance.category_id])
        rings = [_fixed(ring, scale) for part in instance.polygons for ring in part]
        if not rings:
            x1, y1, x2, y2 = instance.box
            rings = [_fixed(np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], np.float32), scale)]
        else:
            inside = cv2.fillPoly(canvas.copy(), rings, colour, cv2.LINE_AA, SUBPIXEL)
            canvas = cv2.addWeighted(inside, FILL, canvas, 1 - FILL, 0).astype(np.uint8)
        cv2.polylines(canvas, rings, True, (20, 20, 20), line + 2, cv2.LINE_AA, SUBPIXEL)  # readable on bright photos
        cv2.polylines(canvas, rings, True, colour, line, cv2.LINE_AA, SUBPIXEL)
        if instance.keypoints is not None:
            skeleton = categories[index[instance.category_id]].skeleton
            _draw_skeleton(canvas, instance.keypoints, skeleton, scale, line)
    picture = Image.fromarray(canvas.astype(np.uint8))
    for instance in weakest_first:
        number = index[instance.category_id]
        text = f"{categories[number].name} {instance.score:.2f}"
        _draw_label(picture, instance, text, category_colour(number), scale)
    return picture


def save(picture: Image.Image, path: Path) -> None:
    """Write a preview as JPEG, with the folders it needs.

    Raises:
        OSError: It cannot be written.
    """
    with replacement(path) as file:
        picture.save(file, format="JPEG", quality=88, comment=COMMENT)


def is_preview(path: Path) -> bool:
    """Return whether a file is one that `save` wrote."""
    try:
        with open_regular(path) as file:
            head = file.read(256)  # the comment stands right behind JFIF's own segment
    except OSError:
        return False
    return head.startswith(b"\xff\xd8") and COMMENT in head


def _fixed(ring: NDArray[np.float32], scale: float) -> NDArray[np.int32]:
    """Return a ring in OpenCV's fixed-point coordinates, which count from the centre of a pixel."""
    return np.round((ring * scale - 0.5) * 2**SUBPIXEL).astype(np.int32)


def _draw_skeleton(
    canvas: NDArray[np.uint8],
    points: NDArray[np.float32],
    skeleton: tuple[tuple[int, int], ...],
    scale: float,
    line: int,
) -> None:
    fixed = _fixed(points[:, :2] + 0.5, scale)
    seen = points[:, 2] > 0
    for first, second in skeleton:
        if seen[first] and seen[second]:
            ends = fixed[first].tolist(), fixed[second].tolist()
            cv2.line(canvas, *ends, (20, 20, 20), line + 2, cv2.LINE_AA, SUBPIXEL)
            cv2.line(canvas, *ends, (255, 255, 255), line, cv2.LINE_AA, SUBPIXEL)
    for point, visible in zip(fixed, points[:, 2], strict=True):
        if visible > 0:
            radius = (line + 1) << SUBPIXEL
            cv2.circle(canvas, point.tolist(), radius + (1 << SUBPIXEL), (20, 20, 20), -1, cv2.LINE_AA, SUBPIXEL)
            colour = (255, 210, 63) if visible > 1 else (190, 190, 190)
            cv2.circle(canvas, point.tolist(), radius, colour, -1, cv2.LINE_AA, SUBPIXEL)


def _draw_label(
    picture: Image.Image, instance: Instance, text: str, colour: tuple[int, int, int], scale: float
) -> None:
    """Draw a name on a rectangle of its colour above the instance, within the picture."""
    brush = ImageDraw.Draw(picture)
    font = ImageFont.load_default(max(11, round(max(picture.size) / 55)))
    left, top, right, bottom = brush.textbbox((0, 0), text, font=font)
    width, height = right - left + 8, bottom - top + 6
    x = min(max(0.0, float(instance.box[0]) * scale), max(0.0, picture.width - width))
    y = max(0.0, float(instance.box[1]) * scale - height)
    brush.rounded_rectangle((x, y, x + width, y + height), 3, fill=colour)
    dark = sum(c * w for c, w in zip(colour, (0.299, 0.587, 0.114), strict=True)) < 140
    brush.text((x + 4 - left, y + 3 - top), text, fill=(255, 255, 255) if dark else (15, 15, 15), font=font)
