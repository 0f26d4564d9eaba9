"""Options that take numbers say which."""

from __future__ import annotations

import argparse

import pytest

from model.commands.number_types import positive, whole


def test_numbers_within_their_limits_are_read() -> None:
    assert [whole(0)(text) for text in ("0", "7", "123456789")] == [0, 7, 123456789]
    assert [whole(1, 3)(text) for text in ("1", "3")] == [1, 3]
    assert [positive(1000)(text) for text in ("1e-3", "2")] == [1e-3, 2.0]


@pytest.mark.parametrize("text", ["0", "4", "-1", "1.5", "nan", "", "one", "1e1"])
def test_other_whole_numbers_are_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"^.* is not a whole number from 1 to 3$"):
        whole(1, 3)(text)
    with pytest.raises(argparse.ArgumentTypeError, match=r"^'-1' is not a whole number of 0 or more$"):
        whole(0)("-1")


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "1001", "fast", ""])
def test_what_is_not_above_0_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not a number above 0 and up to 1000"):
        positive(1000)(text)
