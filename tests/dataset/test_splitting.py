from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset.pictures.fingerprints import ImageFingerprint
from dataset.splitting import group_photos, split_groups


def many(count: int, seed: int = 0) -> tuple[list[str], list[set[str]]]:
    chance = random.Random(seed)
    names = [f"{chance.getrandbits(40):x}z.jpg" for _ in range(count)]
    return names, [{f"c{min(int(chance.expovariate(0.4)), 9)}" for _ in range(chance.randint(0, 3))} for _ in names]


def singles(count: int) -> list[list[int]]:
    return [[i] for i in range(count)]


def test_shares_are_met_in_all_and_in_each_class() -> None:
    names, classes = many(1000)
    sides = split_groups(singles(1000), names, classes, 0.2, 0.1)
    assert Counter(sides) == {"train": 700, "val": 200, "test": 100}
    total = Counter(name for own in classes for name in own)
    for side, share in (("val", 0.2), ("test", 0.1)):
        found = Counter(name for own, s in zip(classes, sides, strict=True) if s == side for name in own)
        assert all(abs(found[name] - share * n) <= 3 + 0.07 * n for name, n in total.items()), found


def test_the_order_is_nothing_and_more_photos_move_few() -> None:
    names, classes = many(600)
    sides = dict(zip(names, split_groups(singles(500), names[:500], classes[:500], 0.2, 0.1), strict=False))
    order = random.Random(1).sample(range(500), 500)
    again = split_groups(singles(500), [names[i] for i in order], [classes[i] for i in order], 0.2, 0.1)
    assert {names[i]: side for i, side in zip(order, again, strict=True)} == sides
    more = dict(zip(names, split_groups(singles(600), names, classes, 0.2, 0.1), strict=True))
    assert sum(more[name] != side for name, side in sides.items()) < 60
    one = dict(zip(names, split_groups(singles(501), names[:501], classes[:501], 0.2, 0.1), strict=False))
    assert sum(one[name] != side for name, side in sides.items()) <= 6


def test_a_class_that_is_in_one_photo_alone_is_trained_on() -> None:
    names, classes = many(50)
    classes[7].add("rare")
    assert split_groups(singles(50), names, classes, 0.6, 0.3)[7] == "train"


def test_photos_that_each_have_a_class_of_their_own_are_shared_out_all_the_same() -> None:
    names, _ = many(8)
    sides = split_groups(singles(8), names, [{"person", f"c{i}"} for i in range(8)], 0.25, 0.125)
    assert Counter(sides) == {"train": 5, "val": 2, "test": 1}
    assert set(split_groups([[0, 1, 2]], names[:3], [{"a"}, {"b"}, {"c"}], 0.5)) == {"train"}, "what is alike is not"


@settings(max_examples=40)
@given(st.data())
def test_groups_are_never_split(data: st.DataObject) -> None:
    names, classes = many(data.draw(st.integers(1, 30)), data.draw(st.integers(0, 5)))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(names)), max_size=8)))
    bounds = [0, *cuts, len(names)]
    groups = [list(range(a, b)) for a, b in pairwise(bounds) if a < b]
    sides = split_groups(groups, names, classes, data.draw(st.floats(0, 0.6)), data.draw(st.floats(0, 0.3)))
    assert all(len({sides[i] for i in group}) == 1 for group in groups)
    assert "train" in sides


def test_frames_are_told_by_pictures_and_without_them_by_names() -> None:
    names = ["v/frame_0001.jpg", "v/frame_0002.jpg", "v/frame_0050.jpg", "000001.jpg", "000002.jpg"]
    assert group_photos(names, []) == [[0, 1], [2], [3], [4]]
    dhash = np.random.default_rng(0).random(256) < 0.5
    other = ~dhash
    half = np.arange(256) < 90
    hashes = (dhash, other, dhash, dhash ^ half, other ^ half)
    found = [ImageFingerprint(name, name, own, None) for name, own in zip(names, hashes, strict=True)]
    assert group_photos(names, found) == [[0, 2], [1], [3], [4]]
