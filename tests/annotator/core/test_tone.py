"""What becomes of the values of a photo on the screen, without a window."""

from __future__ import annotations

import numpy as np
import pytest

from annotator.core.tone import Tone

FLAT = np.ones(256, np.int64)


def test_the_default_changes_nothing() -> None:
    assert Tone().is_neutral
    assert Tone().table(FLAT).tolist() == list(range(256))


@pytest.mark.parametrize(
    ("tone", "dark", "middle", "light"),
    [
        (Tone(brightness=20), 51, 179, 255),
        (Tone(brightness=-20), 0, 77, 204),
        (Tone(contrast=-100), 128, 128, 128),
        (Tone(gamma=200), 0, 181, 255),
    ],
)
def test_values_become_lighter_darker_and_flatter(tone: Tone, dark: int, middle: int, light: int) -> None:
    table = tone.table(FLAT)
    assert table[[0, 128, 255]].tolist() == pytest.approx([dark, middle, light], abs=1)


def test_full_contrast_still_is_a_table() -> None:
    table = Tone(contrast=100).table(FLAT)
    assert (table[100], table[155]) == (0, 255)


def test_a_stretch_uses_the_whole_range() -> None:
    counts = np.zeros(256, np.int64)
    counts[100:151] = 100
    counts[[0, 255]] = 1
    assert Tone(stretch=0).table(counts)[[0, 255]].tolist() == [0, 255]
    table = Tone(stretch=10).table(counts)
    assert table[[100, 125, 150]].tolist() == pytest.approx([0, 128, 255], abs=1)


def test_a_photo_of_one_value_can_be_stretched() -> None:
    counts = np.zeros(256, np.int64)
    counts[7] = 5
    assert Tone(stretch=50).table(counts).shape == (256,)
