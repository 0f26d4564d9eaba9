"""Records of which several files have a version each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataset.json_text import decode, decode_object, encode

if TYPE_CHECKING:
    from collections.abc import Collection

    from dataset.json_text import Raw


def with_fields(raw: Raw, other: Raw, apart: Collection[str] = ()) -> tuple[Raw, bool]:
    """Return a record with the fields that only the other one has, and whether the other has other values of some.

    Args:
        raw: A JSON object; its values are kept.
        other: Another one.
        apart: Names of fields that are not looked at.
    """
    fields, others = decode_object(raw), decode_object(other)
    new = {key: value for key, value in others.items() if key not in fields and key not in apart}
    differs = any(
        bytes(fields[key]) != bytes(value) and decode(fields[key]) != decode(value)
        for key, value in others.items()
        if key in fields and key not in apart
    )
    return (encode({**fields, **new}) if new else raw), differs


def changed(raw: Raw, **values: object) -> Raw:
    """Return a record with other values of some fields, the others byte for byte."""
    return encode({**decode_object(raw), **values})
