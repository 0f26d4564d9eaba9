from __future__ import annotations

import pytest

from dataset.coco.values import as_id


@pytest.mark.parametrize(
    ("value", "known"),
    [
        (12, 12),
        (12.0, 12),
        ("12", 12),
        (" 12\n", 12),
        ("12\x1f", 12),
        ("1\x1f2", "1\x1f2"),
        ("a", "a"),
        ("", None),
        (True, None),
    ],
)
def test_what_an_id_is_compared_by(value: object, known: int | str | None) -> None:
    assert as_id(value) == known
