"""Finds the records in the long lists of a large JSON object without decoding them, and without holding Python's lock.

Only braces and quotes are looked at, by numpy: 0.5 s for 450 MB, while other threads go on. Whether the text is JSON at
all is for whoever decodes the records, piece by piece, and the skeleton that is left without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, overload

import msgspec
import numpy as np

from dataset.json_text import decode_list

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from numpy.typing import NDArray

    from dataset.json_text import Raw

MIN_BYTES = 1 << 16
"""Shorter lists are left where they are."""
_BLOCK = 1 << 21  # bytes that are looked at together
_RECORDS = 4096  # that are decoded together where they lie apart
_PIECE = 1 << 21  # bytes that are decoded together: some 3 ms, for which Python's lock is held
_QUOTE, _BACKSLASH, _OPEN, _CLOSE = b'"\\{}'
_NO_PLACES = np.empty(0, np.int64)


class JsonRecords(Sequence[bytes]):
    """The JSON of each record of a list, which stays where it is in the text of the file; some may be replaced."""

    def __init__(self, text: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> None:
        """Records that lie at `starts` to `ends` (both [N], in bytes) of a text."""
        self._text, self._starts, self._ends = text, starts, ends
        self._replaced: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, place: int) -> bytes: ...
    @overload
    def __getitem__(self, place: slice) -> list[bytes]: ...
    def __getitem__(self, place: int | slice) -> bytes | list[bytes]:
        if isinstance(place, slice):
            text, replaced = self._text, self._replaced
            spans = zip(self._starts[place].tolist(), self._ends[place].tolist(), strict=True)
            found = [text[start:end] for start, end in spans]
            if replaced:
                places = range(len(self))[place]
                found = [replaced.get(i, raw) for i, raw in zip(places, found, strict=True)]
            return found
        if place in self._replaced:
            return self._replaced[place]
        return self._text[self._starts[place] : self._ends[place]]

    def __setitem__(self, place: int, raw: bytes) -> None:
        """Have other JSON in a record's place, from 0 on."""
        self._replaced[place] = raw

    def pieces(self) -> Iterator[tuple[slice, bytes]]:
        """Yield the places of some of the records, and the JSON of a list of them, as it stands in the text."""
        for part in self._parts():
            yield part, b"[%b]" % self._text[self._starts[part.start] : self._ends[part.stop - 1]]

    def _parts(self) -> Iterator[slice]:
        """Yield the places of the records of each piece."""
        start = 0
        while start < len(self):
            stop = int(np.searchsorted(self._ends, self._starts[start] + _PIECE))
            stop = min(max(stop, start + 1), len(self))
            yield slice(start, stop)
            start = stop

    def are_apart(self) -> bool:
        """Return whether between pieces there is a comma, as within one: decoding them does not show that."""
        text = self._text
        stops = [part.stop for part in self._parts()][:-1]
        return all(text[self._ends[stop - 1] : self._starts[stop]].strip() == b"," for stop in stops)


class PieceError(ValueError):
    """A piece of a text is no JSON list of as many records as were found in it."""


def in_pieces(records: Sequence[Raw]) -> Iterator[tuple[slice, bytes]]:
    """Yield the places of some of the records, and JSON of the list of them."""
    if isinstance(records, JsonRecords):
        yield from records.pieces()
        return
    for start in range(0, len(records), _RECORDS):
        batch = records[start : start + _RECORDS]
        yield slice(start, start + len(batch)), b"[%b]" % b",".join(batch)


def check_piece(records: Sequence[Raw], part: slice, piece: bytes) -> None:
    """Raise PieceError where a piece that cannot be decoded as it should be does not hold these records either."""
    try:
        found = len(decode_list(piece)) if isinstance(records, JsonRecords) else part.stop - part.start
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise PieceError from None
    check_count(part, found)


def check_count(part: slice, found: int) -> None:
    """Raise PieceError where there are more or fewer records than there should be."""
    if found != part.stop - part.start:
        raise PieceError


class SplitText(NamedTuple):
    """The text of a JSON object without the records of some of its lists."""

    skeleton: bytes
    """The text, in which those lists are empty."""
    lists: Mapping[str, JsonRecords]
    """Their records by the name of the field."""


def split_lists(text: bytes, names: Collection[str]) -> SplitText | None:
    """Take the records out of the long lists in the fields of these names of a JSON object.

    None where there is nothing to take out. A list is left where it is if it is short, or has other things than objects
    in it; so are all if one of the names comes twice. What is found is as the text has it if the skeleton and all
    pieces of the records are JSON.

    Args:
        text: UTF-8 without a byte order mark.
        names: Of fields of the object that the text is.
    """
    starts, ends, quotes = _outline(text)
    if len(quotes) % 2 or not len(quotes) or not len(starts):
        return None
    strings = list(zip(quotes[::2].tolist(), quotes[1::2].tolist(), strict=True))
    found = [_name(text[opening : closing + 1]) for opening, closing in strings]
    if any(found.count(name) > 1 for name in names):
        return None
    lists: dict[str, JsonRecords] = {}
    kept: list[bytes] = []
    at = 0
    firsts = np.searchsorted(starts, quotes[1::2])  # the records that follow each string
    lasts = np.append(firsts[1:], len(starts))
    for name, (_, closing), first, last in zip(found, strings, firsts, lasts, strict=True):
        if name is None or name not in names or first == last or ends[last - 1] - starts[first] < MIN_BYTES:
            continue
        before = text[closing + 1 : starts[first]].split()
        records = JsonRecords(text, starts[first:last], ends[first:last])
        if b"".join(before) == b":[" and records.are_apart():
            lists[name] = records
            kept.append(text[at : starts[first]])
            at = int(ends[last - 1])
    return SplitText(b"".join((*kept, text[at:])), lists) if lists else None


def _name(raw: Raw) -> str | None:
    try:
        return msgspec.json.decode(raw, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _outline(text: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return where the objects within the outermost one start and end, and the quotes outside of them."""
    starts, ends, quotes = [_NO_PLACES], [_NO_PLACES], [_NO_PLACES]
    depth, is_inside = 0, False  # of braces; of a string
    begin = 0
    while begin < len(text):
        end = min(begin + _BLOCK, len(text))
        while end < len(text) and text[end - 1] == _BACKSLASH:  # what it escapes is in the same block
            end += 1
        places, marks, inside = _marks(text, begin, end, is_inside=is_inside)
        is_inside = bool(inside[-1]) if len(inside) else is_inside
        steps = (marks == _OPEN).view(np.int8) - (marks == _CLOSE).view(np.int8)
        steps *= (inside ^ 1).view(np.int8)  # braces in strings are none
        depths = np.cumsum(steps, dtype=np.int32)
        depths += depth
        depth = int(depths[-1]) if len(depths) else depth
        starts.append(places[(steps == 1) & (depths == 2)])
        ends.append(places[(steps == -1) & (depths == 1)] + 1)
        quotes.append(places[(marks == _QUOTE) & (depths == 1)])
        begin = end
    starts, ends = np.concatenate(starts), np.concatenate(ends)
    return starts[: len(ends)], ends[: len(starts)], np.concatenate(quotes)


def _marks(
    text: bytes, begin: int, end: int, *, is_inside: bool
) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the places of quotes and braces in a block, what is there, and 1 where a string goes on after it, else 0.

    `is_inside`: whether one does before the block.
    """
    block = np.frombuffer(text, np.uint8, end - begin, begin)
    is_quote = block == _QUOTE
    if text.find(b"\\", begin, end) >= 0:
        is_quote &= ~_escaped(block)
    is_mark = (block | 6) == (_OPEN | 6)  # braces, and "y"
    is_mark |= is_quote
    places = np.flatnonzero(is_mark)
    inside = np.cumsum(is_quote[places], dtype=np.uint8)
    inside += is_inside
    inside &= 1
    return places + begin, block[places], inside


def _escaped(block: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return for each byte whether a backslash before it is about it; none is before the block."""
    found = np.zeros(len(block), bool)
    places = np.flatnonzero(block == _BACKSLASH)
    is_first = np.diff(places, prepend=-2) > 1  # of backslashes in a row, every second one is escaped itself
    firsts = np.maximum.accumulate(np.where(is_first, places, 0))
    escaping = places[(places - firsts) % 2 == 0]
    found[escaping[escaping < len(block) - 1] + 1] = True
    return found
