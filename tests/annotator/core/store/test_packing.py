from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.core.annotation import Annotation
from annotator.core.store.packing import pack, unpack, unpack_scores
from tests.strategies import annotations


@given(st.lists(annotations(), max_size=4))
def test_packed_records_lose_nothing(records: list[Annotation]) -> None:
    assert unpack(pack(records)) == tuple(records)


@given(st.lists(annotations(), max_size=4))
def test_scores_are_read_without_the_shapes(records: list[Annotation]) -> None:
    packed = pack(records)
    for record in records:
        packed = packed.replace(record.shape.wkb, bytes(len(record.shape.wkb)))
    assert unpack_scores(packed) == [(record.score or 0.0, record.category_id) for record in records]


@pytest.mark.parametrize("read", [unpack, unpack_scores])
@given(data=st.binary(max_size=60))
def test_damaged_records_are_refused(read: Callable[[bytes], object], data: bytes) -> None:
    try:
        read(data)
    except ValueError as error:
        message = str(error)
        assert message
