from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataset.pictures.fingerprints import ImageFingerprint, fingerprint
from dataset.pictures.images import PhotoError
from dataset.pictures.near_duplicates import DUPLICATE_BITS, near_duplicates, similar


def photo(number: int, name: str = "", dhash: np.ndarray | None = None, time: float | None = None) -> ImageFingerprint:
    own = np.random.default_rng(number).random(256) < 0.5 if dhash is None else dhash
    return ImageFingerprint(
        name or f"{'abcdefghijklmnopqrstuvwxyz'[number % 26]}{number // 26}x.jpg", f"{number:064x}", own, time
    )


def changed(dhash: np.ndarray, count: int) -> np.ndarray:
    other = dhash.copy()
    other[:count] ^= True
    return other


def scene(seed: int, size: tuple[int, int] = (120, 160)) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return np.asarray(Image.fromarray(small).resize(size[::-1], Image.Resampling.BICUBIC))


def test_a_photo_saved_anew_smaller_or_brighter_is_a_near_duplicate(tmp_path: Path) -> None:
    Image.fromarray(scene(1)).save(tmp_path / "a.png")
    Image.fromarray(scene(1)).resize((80, 60)).save(tmp_path / "b.jpg", quality=70)
    Image.fromarray(np.clip(scene(1) * 0.8 + 20, 0, 255).astype(np.uint8)).save(tmp_path / "c.png")
    Image.fromarray(scene(2)).save(tmp_path / "d.png")
    fingerprints = [fingerprint(tmp_path / name, name) for name in ("a.png", "b.jpg", "c.png", "d.png")]
    assert near_duplicates(fingerprints) == [[0, 1, 2], [3]]
    assert len({one.digest for one in fingerprints}) == 4
    with pytest.raises(PhotoError, match="does not exist"):
        fingerprint(tmp_path / "e.png", "e.png")


def test_the_time_of_a_photo_is_the_cameras(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2024:05:01 10:20:30"
    Image.fromarray(scene(1)).save(tmp_path / "a.jpg", exif=exif)
    exif.get_ifd(0x8769)[0x9003] = "2024:05:01 10:21:00"
    Image.fromarray(scene(2)).save(tmp_path / "b.jpg", exif=exif)
    first, second = (fingerprint(tmp_path / name, name).time for name in ("a.jpg", "b.jpg"))
    assert first is not None
    assert second is not None
    assert second - first == 30
    Image.fromarray(scene(1)).save(tmp_path / "c.png")
    assert fingerprint(tmp_path / "c.png", "c.png").time is None


def test_bursts_and_frames_stay_together() -> None:
    base = photo(1).dhash
    a, b = photo(1, "IMG_0001.jpg", time=100.0), photo(2, "IMG_0002.jpg", time=105.0)
    assert near_duplicates([a, b]) == [[0, 1]]
    assert near_duplicates([a, photo(2, "IMG_0002.jpg", time=500.0)]) == [[0], [1]]
    assert near_duplicates([a, photo(2, "IMG_0090.jpg", time=105.0)]) == [[0], [1]]
    frames = [photo(1, "v10.png"), photo(2, "v11.png", changed(base, 40)), photo(3, "v12.png")]
    assert near_duplicates(frames) == [[0, 1], [2]]
    assert near_duplicates([photo(1, "v10.png"), photo(2, "w11.png", changed(base, 40))]) == [[0], [1]]
    assert near_duplicates([photo(1, "x.png"), photo(2, "y.png", changed(base, DUPLICATE_BITS))]) == [[0, 1]]


def test_photos_in_any_number_are_grouped_as_if_each_were_compared_with_each() -> None:
    random = np.random.default_rng(5)
    bases = random.random((40, 256)) < 0.5
    hashes = [bases[i % 40] ^ (random.random(256) < random.choice([0.0, 0.05, 0.07])) for i in range(300)]
    photos = [photo(i, f"{chr(97 + i % 26)}{i}x.jpg", hashes[i]) for i in range(300)]
    found = {(min(pair), max(pair)) for pair in similar(photos)}
    near = {(i, j) for j in range(300) for i in range(j) if int((hashes[i] != hashes[j]).sum()) <= DUPLICATE_BITS}
    assert found <= near
    assert 100 < len(near) < 40_000
    groups = {frozenset(group) for group in near_duplicates(photos)}
    assert all(any({i, j} <= group for group in groups) for i, j in near)
    assert sum(len(group) - 1 for group in groups) <= len(near)
