from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from annotator.core.annotation import Annotation
from annotator.core.store.packing import pack, unpack
from tests.strategies import annotations


@given(st.lists(annotations(), max_size=4))
def test_packed_records_lose_nothing(records: list[Annotation]) -> None:
    assert unpack(pack(records)) == tuple(records)


@given(st.binary(max_size=60))
def test_damaged_records_are_refused(data: bytes) -> None:
    try:
        unpack(data)
    except ValueError as error:
        message = str(error)
        assert message
