from __future__ import annotations

from pathlib import Path

import numpy as np

from dataset.pictures.fingerprints import ImageFingerprint
from model.data.train_val_split import folds, learned_elsewhere, read, split, write


def photo(number: int, name: str = "", dhash: np.ndarray | None = None, time: float | None = None) -> ImageFingerprint:
    own = np.random.default_rng(number).random(256) < 0.5 if dhash is None else dhash
    return ImageFingerprint(
        name or f"{'abcdefghijklmnopqrstuvwxyz'[number % 26]}{number // 26}x.jpg", f"{number:064x}", own, time
    )


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
    (tmp_path / "deep.json").write_text("[" * 60_000 + "]" * 60_000)
    assert read(tmp_path / "deep.json") == {}
    assert read(tmp_path / "bad.json") == read(tmp_path / "list.json") == read(tmp_path / "none.json") == {}
    assert read(None) == {}


def test_photos_that_the_rival_has_learned_from_are_in_no_part() -> None:
    photos = [photo(n) for n in range(6)]
    photos.append(photo(6, dhash=photos[0].dhash))
    labels = [{1} for _ in photos]
    parts = folds(photos, labels, seen={0, 1, 2})
    assert sorted(i for part in parts for i in part) == [3, 4, 5]  # 6 is nearly 0
    assert len(parts) == 3
    assert folds(photos, labels, seen=set(range(6))) == [[]]


def test_labels_that_are_learned_where_they_are_not_measured() -> None:
    classes = [{1, 2}, {1}, {2, 3}, {3, 4}, set()]
    assert learned_elsewhere([[0, 1], [2], [3, 4]], classes) == {2, 3}
    assert learned_elsewhere([[0], [3]], classes) == {1, 2, 3}  # 1 and 2 always train
    assert learned_elsewhere([], classes) == set()
