r"""JSON with what UTF-8 lacks: halves of surrogate pairs, by which Python names files whose names are not UTF-8.

Such a half is an escape, `"\udcff"`, as Python's own `json` writes and reads it. msgspec refuses it, even in values
that it does not decode.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
Raw = bytes | msgspec.Raw

_ESCAPE: re.Pattern[bytes] = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u([dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
_MASKED = re.compile(rb"\\ufdd0([dD][89a-fA-F][0-9a-fA-F]{2})")  # a code point that stands for no character
_fast = msgspec.json.Encoder()
_list = msgspec.json.Decoder(list[msgspec.Raw])
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


class RecordDecoder(Generic[T]):
    """Decoder of JSON into a type that holds no `msgspec.Raw`."""

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        self._fast = msgspec.json.Decoder(kind)

    def decode(self, raw: Raw) -> T:
        """Return the value.

        Raises:
            msgspec.DecodeError, UnicodeDecodeError: it is damaged, or of another type.
        """
        try:
            return self._fast.decode(raw)
        except msgspec.DecodeError as error:
            if not _has_halves(raw):
                raise
            try:
                value = json.loads(bytes(raw))
            except (ValueError, RecursionError):
                raise error from None
            return msgspec.convert(value, self._kind)


def decode(raw: Raw) -> Any:  # noqa: ANN401 - whatever the file has
    """Return any JSON value. Errors as of `RecordDecoder.decode`."""
    return _anything.decode(raw)


def decode_list(raw: Raw) -> list[msgspec.Raw]:
    """Return the JSON of each item of a list. Errors as of `RecordDecoder.decode`."""
    return _split(_list.decode, raw, lambda items: [_unmask(item) for item in items])


def decode_object(raw: Raw) -> dict[str, msgspec.Raw]:
    """Return the JSON of each field of an object. Errors as of `RecordDecoder.decode`."""
    return _split(
        _object.decode, raw, lambda fields: {_unmask_text(key): _unmask(value) for key, value in fields.items()}
    )


def encode(value: object) -> bytes:
    """Return a value, in which there may be `msgspec.Raw`, as JSON."""
    try:
        return _fast.encode(value)
    except UnicodeEncodeError:
        return _encode_halves(msgspec.to_builtins(value) if isinstance(value, msgspec.Struct) else value)


def _encode_halves(value: object) -> bytes:
    if isinstance(value, str):
        return json.dumps(value).encode()
    if isinstance(value, Mapping):
        return b"{" + b",".join(_encode_halves(key) + b":" + _encode_halves(v) for key, v in value.items()) + b"}"
    if isinstance(value, list | tuple):
        return b"[" + b",".join(_encode_halves(item) for item in value) + b"]"
    return _fast.encode(value)


def _split(decode: Callable[[Raw], T], raw: Raw, unmasked: Callable[[T], T]) -> T:
    try:
        return decode(raw)
    except msgspec.DecodeError:
        if not _has_halves(raw):
            raise
    return unmasked(decode(_ESCAPE.sub(_mask, bytes(raw))))


def _mask(escape: re.Match[bytes]) -> bytes:
    return b"\\ufdd0" + escape[1] if escape[1] else escape[0]


def _has_halves(raw: Raw) -> bool:
    return any(found[1] for found in _ESCAPE.finditer(bytes(raw)))


def _unmask(raw: msgspec.Raw) -> msgspec.Raw:
    data = bytes(raw)
    return msgspec.Raw(_MASKED.sub(rb"\\u\1", data)) if b"\\ufdd0" in data else raw


def _unmask_text(text: str) -> str:
    return re.sub("\ufdd0([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text)


_anything: RecordDecoder[Any] = RecordDecoder(Any)
