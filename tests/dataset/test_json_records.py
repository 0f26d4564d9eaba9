from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset import json_records
from dataset.json_records import split_lists
from dataset.json_text import decode_object

TEXT = st.text(st.sampled_from('a{}[],:"\\ ж\n'), max_size=5)
RECORDS = st.dictionaries(TEXT, st.recursive(TEXT | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=4), max_size=3)  # fmt: skip  # noqa: E501


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks, pieces and lists of a few bytes, so that each has its borders everywhere."""
    for name, value in (("_BLOCK", 7), ("_PIECE", 30), ("MIN_BYTES", 1)):
        monkeypatch.setattr(json_records, name, value)


@settings(max_examples=40)
@given(
    st.dictionaries(st.sampled_from(("images", "annotations", "info", "x{")), st.lists(RECORDS, max_size=5) | RECORDS),
    st.sampled_from((None, 1)),
    st.booleans(),
)
def test_records_are_what_the_text_has(value: dict[str, Any], indent: int | None, is_ascii: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=is_ascii).encode()
    split = split_lists(text, ("images", "annotations"))
    lists = {} if split is None else split.lists
    skeleton = text if split is None else split.skeleton
    found = {key: json.loads(bytes(raw)) for key, raw in decode_object(skeleton).items()}
    for name, records in lists.items():
        assert found[name] == []
        found[name] = [json.loads(raw) for raw in records[:]]
        pieces = [msgspec.json.decode(piece) for _, piece in records.pieces()]
        assert [record for piece in pieces for record in piece] == found[name]
        assert [json.loads(records[place]) for place in range(len(records))] == found[name]
    assert found == value
    long = {n for n in ("images", "annotations") if isinstance(value.get(n), list) and value[n]}
    assert long == lists.keys(), "none is left for the slow way"


@pytest.mark.parametrize(
    "text",
    [
        '{"images": [{"a": 1} {"b": 2}]}', '{"images": [{"a": 1}, 5, {"b": 2}]}', '{"images": [[{"a": 1}, {"b": 2}]]}',
        '{"images": [{"a": 1}], "images": [{"b": 1}]}', '{"images": [{"a": "}, {"}]}', '[{"images": [{"a": 1}]}]',
        '{"images": [{"a": 1}', '{"images": [{"a": 1}]', '{"images": [{"a": 1}}]', '{"images" [{"a": 1}, {"b": 2}]}',
        "{'images': [{'a': 1}, {'b': 2}]}",
    ],
)  # fmt: skip
def test_what_is_not_a_list_of_records_is_seen(text: str) -> None:
    """Where it is taken for one, the skeleton or the pieces are no JSON, or hold another number of records."""
    split = split_lists(text.encode(), ("images",))
    if split is None:
        return
    try:
        decode_object(split.skeleton)
        records = [
            (len(msgspec.json.decode(piece, type=list[dict[str, Any]])), part.stop - part.start)
            for part, piece in split.lists["images"].pieces()
        ]
    except msgspec.DecodeError:
        return
    assert all(found == wanted for found, wanted in records)
    assert json.loads(text)["images"] == [json.loads(raw) for raw in split.lists["images"][:]]


def test_a_record_can_be_replaced() -> None:
    split = split_lists(b'{"images": [{"a": 1}, {"b": 2}, {"c": 3}]}', ("images",))
    assert split
    records = split.lists["images"]
    records[1] = b"{}"
    assert records[:] == [b'{"a": 1}', b"{}", b'{"c": 3}']
    assert records[1:2] == [records[1]] == [b"{}"]
