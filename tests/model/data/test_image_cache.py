from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from dataset.pictures.images import PhotoError, read_photo
from model.config import TrainConfig
from model.data.augmentation import MaskCache, training_sample
from model.data.image_cache import DecodedImageCache
from model.data.training_images import TrainingImage

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = TrainConfig(scales=(64,), jitter=(0.5, 1.5))
"""Photos of 96 pixels on the shorter side at most."""


def photo(path: Path, width: int, height: int) -> Path:
    """A picture that gets brighter from left to right and redder from top to bottom."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 1] = np.linspace(0, 255, width)[None]
    pixels[..., 0] = np.linspace(0, 255, height)[:, None]
    Image.fromarray(pixels).save(path)
    return path


def test_a_photo_is_read_once_and_no_larger_than_it_is_drawn(tmp_path: Path) -> None:
    large, small = photo(tmp_path / "large.png", 400, 300), photo(tmp_path / "small.png", 80, 60)
    pictures = DecodedImageCache(CONFIG)
    assert pictures(large).shape == (96, 128, 3)
    assert pictures(small).shape == (60, 80, 3)
    large.unlink()
    assert pictures(large).shape == (96, 128, 3)
    with pytest.raises(PhotoError, match="does not exist"):
        pictures(tmp_path / "none.png")


def test_those_asked_for_the_longest_ago_make_room(tmp_path: Path) -> None:
    paths = [photo(tmp_path / f"{i}.png", 80, 60) for i in range(3)]
    pictures = DecodedImageCache(CONFIG, max_bytes=2 * 80 * 60 * 3)
    for path in (paths[0], paths[1], paths[0], paths[2]):
        pictures(path)
    for path in paths:
        path.unlink()
    pictures(paths[0])
    pictures(paths[2])
    with pytest.raises(PhotoError):
        pictures(paths[1])
    assert DecodedImageCache(replace(CONFIG, workers=4), max_bytes=800).max_bytes == 200


@pytest.mark.parametrize("seed", range(4))
def test_a_lesson_is_the_same_whether_its_photo_is_kept_or_read(tmp_path: Path, seed: int) -> None:
    path = photo(tmp_path / "a.png", 407, 301)
    given: dict[str, Any] = {"keypoints": 0, "mirror": [], "masks": MaskCache()}
    drawn = [
        training_sample(
            TrainingImage(path, 407, 301, complete=(True, True)),
            (64, 96),
            CONFIG,
            random=np.random.default_rng(seed),
            read=read,
            **given,
        )[0]
        for read in (DecodedImageCache(CONFIG), read_photo)
    ]
    apart = (drawn[0].int() - drawn[1].int()).abs()
    assert float(apart.float().mean()) < 1.5  # of 255
    assert float(apart.float().quantile(0.95)) < 8  # the border of the photo may lie half a pixel aside
