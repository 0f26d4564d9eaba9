"""Records of which several files have a version each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataset.json_text import decode, decode_object, encode

if TYPE_CHECKING:
    from collections.abc import Collection

    from dataset.json_text import Raw

_NULL = b"null"


def with_fields(raw: Raw, other: Raw, apart: Collection[str] = ()) -> tuple[Raw, bool]:
    """Return a record with the fields that only the other one has, and whether the other has other values of some.

    A null is no value.

    Args:
        raw: A JSON object; its values are kept.
        other: Another one.
        apart: Names of fields that are not looked at.
    """
    fields, others = decode_object(raw), decode_object(other)
    given = {key: value for key, value in others.items() if key not in apart}
    new = {key: value for key, value in given.items() if key not in fields or bytes(fields[key]) == _NULL}
    differs = any(
        bytes(fields[key]) != bytes(value) and decode(fields[key]) != decode(value)
        for key, value in given.items()
        if key not in new and bytes(value) != _NULL
    )
    return (encode({**fields, **new}) if new else raw), differs


def changed(raw: Raw, **values: object) -> Raw:
    """Return a record with other values of some fields, the others byte for byte."""
    return encode({**decode_object(raw), **values})
