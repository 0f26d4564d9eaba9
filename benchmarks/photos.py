"""Folders of photos to measure with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from resources import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Sequence

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "coco_person" / "images"


def make_folder(folder: Path, count: int, size: tuple[int, int] = (1280, 960)) -> Path:
    """Make a folder of `count` JPEG files, hard links to 20 pictures of smooth noise of (width, height) `size`."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    originals = []
    for i in range(min(20, count)):
        small = Image.fromarray(rng.integers(0, 255, (30, 40, 3), dtype=np.uint8))
        originals.append(folder.parent / f"{folder.name}-{i}.jpg")
        small.resize(size, Image.Resampling.BICUBIC).save(originals[-1], quality=90)
    for i in range(count):
        os.link(originals[i % len(originals)], folder / f"img_{i:06d}.jpg")
    for original in originals:
        original.unlink()
    return folder


def real_folder(folder: Path, count: int, names: Sequence[str] = ()) -> Path:
    """Make a folder of `count` links to real photos: those of the shared data where it is, else the samples."""
    folder.mkdir(parents=True)
    source = [SHARED / name for name in names] if names and SHARED.is_dir() else sorted(SAMPLES.glob("*.jpg"))
    for i in range(count):
        original = source[i % len(source)]
        (folder / f"{i:04d}-{original.name}").symlink_to(original.resolve())
    return folder


def validation_names() -> list[str]:
    """File names of the photos that no model was trained on, where they are; else none."""
    import json  # noqa: PLC0415

    file = SHARED.parent / "val.json"
    return [image["file_name"] for image in json.loads(file.read_text())["images"]] if file.is_file() else []
