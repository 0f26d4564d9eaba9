from __future__ import annotations

import msgspec
import pytest

from dataset.json_text import RecordDecoder, loads


class Record(msgspec.Struct):
    id: int | None = None
    name: str = ""


def test_half_a_surrogate_is_kept_in_text_and_refused_where_a_number_belongs() -> None:
    decoder = RecordDecoder(Record)
    assert decoder.decode(b'{"id": 1, "name": "\\ud800"}') == Record(1, "\ud800")
    with pytest.raises(msgspec.DecodeError):
        decoder.decode(b'{"id": "\\ud800"}')


@pytest.mark.parametrize("first", [b"", b"1" * 5000 + b", "])  # an integer that Python does not convert
def test_lists_thousands_deep_are_said_to_be(first: bytes) -> None:
    with pytest.raises(ValueError, match=r"^lists lie in one another thousands deep$"):
        loads(b"[" + first + b"[" * 60_000 + b"]" * 60_000 + b"]")
