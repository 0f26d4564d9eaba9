r"""JSON of files as people's tools write them, also where strict readers refuse it.

That is: halves of surrogate pairs, `"\udcff"`, by which Python names files whose names are not UTF-8, and which are no
UTF-8 themselves; NaN and Infinity; integers of any length; text in UTF-16 or UTF-32. msgspec refuses the first two even
in values that it does not decode.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec
import numpy as np

from dataset.i18n import tr
from dataset.messages import UserError

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")
Raw = bytes | msgspec.Raw

_CHUNK = 1 << 20  # bytes
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*+"|-?Infinity|NaN', re.DOTALL)
_ESCAPES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_NUMBERS = {b"NaN": b"0.0", b"Infinity": b"0.000000", b"-Infinity": b"-0.000000"}  # each as long as what it stands for
_UNKNOWN = rb"\ufffd"
_fast = msgspec.json.Encoder()
_list = msgspec.json.Decoder(list[msgspec.Raw])
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


class TextError(UserError):
    """The bytes of a file are no Unicode text; one sentence that names the file."""


def to_utf8(data: bytes, path: Path) -> bytes:
    """Return the bytes of a JSON file as UTF-8 without a byte order mark; those of UTF-8 as they are.

    Raises:
        TextError: They are in another encoding than UTF-8, UTF-16 or UTF-32.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "") or json.detect_encoding(data[:4])
    if encoding not in ("utf-8", "utf-8-sig"):
        try:
            return data.decode(encoding).encode()
        except UnicodeError:
            text = tr("{file} is not {encoding} throughout: save it as UTF-8.", file=path, encoding=encoding.upper())
            raise TextError(text) from None
    if not _is_ascii(data) and (at := _first_bad(data)) is not None:
        raise TextError(
            tr(
                "{file} cannot be read: line {line} is not UTF-8 but another encoding (byte {byte}). Save it as UTF-8.",
                file=path,
                line=data.count(b"\n", 0, at) + 1,
                byte=f"0x{data[at]:02x}",
            )
        )
    return data


def _is_ascii(data: bytes) -> bool:
    """Return `data.isascii()`, which holds Python's lock for all of it: 50 ms for 450 MB."""
    return all(data[start : start + _CHUNK].isascii() for start in range(0, len(data), _CHUNK))


def _first_bad(data: bytes) -> int | None:
    """Return the place of the first byte that is not UTF-8, without a copy of the whole text."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(data), _CHUNK):
        held = len(decoder.getstate()[0])
        try:
            decoder.decode(data[start : start + _CHUNK], final=start + _CHUNK >= len(data))
        except UnicodeDecodeError as error:
            return start - held + error.start
    return None


def loads(data: bytes) -> Any:  # noqa: ANN401 - whatever the text has
    """Return the value of JSON text in UTF-8.

    Raises:
        ValueError: It is not JSON, or its lists lie in one another too deeply.
    """
    text = data.decode()
    try:
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            raise
        except ValueError:  # an integer of more digits than Python converts
            return json.loads(text, parse_int=lambda digits: int(digits) if len(digits) < 400 else float(digits))
    except RecursionError:
        raise ValueError(tr("lists lie in one another thousands deep")) from None


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
            if _stand_in(bytes(raw)) is None:
                raise
            try:
                value = loads(bytes(raw))
            except ValueError:
                raise error from None
            try:
                return msgspec.convert(value, self._kind)
            except UnicodeEncodeError:  # in the name of a field, which no `Struct` has, or in a field for numbers
                try:
                    return msgspec.convert(_with_plain_names(value), self._kind)
                except UnicodeEncodeError:
                    raise error from None


def decode(raw: Raw) -> Any:  # noqa: ANN401 - whatever the file has
    """Return any JSON value. Errors as of `RecordDecoder.decode`."""
    return _anything.decode(raw)


def decode_list(raw: Raw) -> list[msgspec.Raw]:
    """Return the JSON of each item of a list, byte for byte. Errors as of `RecordDecoder.decode`."""
    items, whole = _decode_parts(_list, raw)
    if whole is None:
        return items
    data = bytes(raw)
    return [_cut(data, item, whole) for item in items]


def decode_object(raw: Raw) -> dict[str, msgspec.Raw]:
    """Return the JSON of each field of an object, byte for byte. Errors as of `RecordDecoder.decode`."""
    fields, whole = _decode_parts(_object, raw)
    if whole is None:
        return fields
    data = bytes(raw)
    values = [_cut(data, value, whole) for value in fields.values()]
    names = list(fields)
    if "\ufffd" in "".join(names):  # a name with a half
        names = list(loads(data))
    return dict(zip(names, values, strict=True))


def _decode_parts(decoder: msgspec.json.Decoder[T], raw: Raw) -> tuple[T, bytes | None]:
    """Return the parts of a value, and what they were cut from where that is not `raw` itself but stands in for it."""
    try:
        return decoder.decode(raw), None
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        plain = _stand_in(bytes(raw))
        if plain is None:
            raise
    return decoder.decode(plain), plain


def encode(value: object) -> bytes:
    """Return a value, in which there may be `msgspec.Raw`, as JSON; numbers that JSON does not have as null."""
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


def _with_plain_names(value: Any) -> Any:  # noqa: ANN401 - whatever the file has
    """Return a value without the fields whose names have halves."""
    if isinstance(value, dict):
        return {
            key: _with_plain_names(item) for key, item in value.items() if key == key.encode(errors="ignore").decode()
        }
    return [_with_plain_names(item) for item in value] if isinstance(value, list) else value


def _stand_in(data: bytes) -> bytes | None:
    """Return JSON text of the same length that msgspec takes, None where it has nothing that only msgspec refuses.

    Numbers that JSON does not have become 0, halves of characters the sign for an unknown one; all keep their places.
    """
    if b"NaN" not in data and b"Infinity" not in data and not _HALF.search(data):
        return None
    return _TOKENS.sub(_plain_token, data)


def _plain_token(found: re.Match[bytes]) -> bytes:
    token = found[0]
    if token[:1] != b'"':
        return _NUMBERS[token]
    return _ESCAPES.sub(_whole_character, token) if b"\\u" in token else token


def _whole_character(escape: re.Match[bytes]) -> bytes:
    return _UNKNOWN if escape[1] else escape[0]


def _cut(data: bytes, value: msgspec.Raw, plain: bytes) -> msgspec.Raw:
    """Return the bytes of the original text at the place of a value in its stand-in."""
    found = np.frombuffer(value, np.uint8)
    start = found.ctypes.data - np.frombuffer(plain, np.uint8).ctypes.data
    return msgspec.Raw(data[start : start + len(found)])


_anything: RecordDecoder[Any] = RecordDecoder(Any)
