from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataset.pictures.images import PhotoError
from model.data.train_val_split import (
    DUPLICATE_BITS,
    ImageFingerprint,
    fingerprint,
    folds,
    near_duplicates,
    read,
    split,
    write,
)

RANDOM = np.random.default_rng(3)


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


def test_a_split_stays_when_photos_come_and_names_change() -> None:
    photos = [photo(i) for i in range(1, 31)]
    labels = [{1} for _ in photos]
    first = split(photos, labels, {})
    assert sum(side == "val" for side in first.values()) == 6
    renamed = [ImageFingerprint(f"other {i}.jpg", p.digest, p.dhash, p.time) for i, p in enumerate(photos)]
    assert split(renamed[::-1], labels, {}) == first
    more = photos + [photo(i) for i in range(31, 51)]
    second = split(more, [{1} for _ in more], first)
    assert {digest: second[digest] for digest in first} == first
    assert sum(side == "val" for side in second.values()) == 10
    near = photo(99, dhash=photos[0].dhash)
    assert split([*photos, near], [*labels, {1}], first)[near.digest] == first[photos[0].digest]


def test_what_is_needed_for_learning_is_not_kept_for_measuring() -> None:
    photos = [photo(i) for i in range(1, 13)]
    labels: list[set[int]] = [{1} if i < 11 else {1, 2} for i in range(12)]
    sides = split(photos, labels, {})
    assert sides[photos[11].digest] == "train"  # the only one that shows class 2
    empty: list[set[int]] = [set() if i >= 4 else {1} for i in range(12)]
    sides = split(photos, empty, {})
    assert {p.digest for p, own in zip(photos, empty, strict=True) if own} >= {
        d for d, s in sides.items() if s == "val"
    }
    same = [photo(i, dhash=photos[0].dhash) for i in range(1, 13)]
    assert set(split(same, labels, {}).values()) == {"train"}


def test_folds_hold_every_photo_once_and_duplicates_together() -> None:
    photos = [photo(i) for i in range(1, 8)]
    parts = folds(photos, [{1} for _ in photos])
    assert len(parts) == 5
    assert sorted(i for part in parts for i in part) == list(range(7))
    twins = [photo(1), photo(2, dhash=photo(1).dhash), photo(3), photo(4)]
    parts = folds(twins, [{1} for _ in twins])
    assert len(parts) == 3
    assert any({0, 1} <= set(part) for part in parts)
    assert folds(photos[:1], [{1}]) == [[0]]


def test_decisions_survive_on_disk_and_damage_decides_nothing(tmp_path: Path) -> None:
    write(tmp_path / "new" / "split.json", {"a": "train", "b": "val"})
    assert read(tmp_path / "new" / "split.json") == {"a": "train", "b": "val"}
    (tmp_path / "bad.json").write_text("[1")
    (tmp_path / "list.json").write_text("[1]")
    assert read(tmp_path / "bad.json") == read(tmp_path / "list.json") == read(tmp_path / "none.json") == {}
    assert read(None) == {}
