"""The JSON of files that tools write: also with NaN, halves of characters, numbers of any length, and as UTF-16."""

from __future__ import annotations

import codecs
import json
import re
from typing import TYPE_CHECKING, Any

from dataset.i18n import tr
from dataset.messages import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK = 1 << 20  # bytes
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NOT_STRICT = re.compile(rb'"(?:[^"\\]|\\.)*+"|-?Infinity|NaN', re.DOTALL)
_HALF = re.compile(rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_STAND_INS = {b"NaN": b"0.0", b"Infinity": b"0.000000", b"-Infinity": b"-0.000000"}


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
    if not data.isascii() and (at := _first_bad(data)) is not None:
        raise TextError(
            tr(
                "{file} is not UTF-8 text: in line {line} is the byte {byte}, which another encoding has. "
                "Save the file as UTF-8.",
                file=path,
                line=data.count(b"\n", 0, at) + 1,
                byte=f"0x{data[at]:02x}",
            )
        )
    return data


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
    """Return the value of JSON text in UTF-8, in which NaN, Infinity and halves of characters may stand.

    Raises:
        ValueError: It is not JSON.
        RecursionError: Its lists are nested too deeply.
    """
    text = data.decode()
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except ValueError:  # an integer of more digits than Python converts
        return json.loads(text, parse_int=_whole)


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) < 400 else float(digits)


def strict(data: bytes) -> bytes | None:
    """Return JSON text of the same length that strict readers take, or None where it has nothing that they refuse.

    Numbers that JSON does not have become 0, halves of characters the sign for an unknown one. So the places of its
    values are those of the original.
    """
    if b"NaN" not in data and b"Infinity" not in data and not re.search(rb"\\u[dD][89a-fA-F]", data):
        return None
    return _NOT_STRICT.sub(_stand_in, data)


def _stand_in(found: re.Match[bytes]) -> bytes:
    token = found[0]
    if token[:1] != b'"':
        return _STAND_INS[token]
    return _HALF.sub(_whole_character, token) if b"\\u" in token else token


def _whole_character(found: re.Match[bytes]) -> bytes:
    return b"\\ufffd" if len(found[0]) == 6 else found[0]


def dumps(value: object) -> bytes:
    """Return a value as JSON in UTF-8; halves of characters as escapes, numbers that JSON does not have as null."""
    return "".join(_finite_parts(value)).encode()


def _finite_parts(value: object) -> Iterator[str]:
    try:
        yield json.dumps(value, allow_nan=False)
    except ValueError:
        yield json.dumps(_without_nan(value))


def _without_nan(value: Any) -> Any:  # noqa: ANN401 - as above
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    if isinstance(value, dict):
        return {key: _without_nan(v) for key, v in value.items()}
    return [_without_nan(v) for v in value] if isinstance(value, list | tuple) else value
