"""CSV as spreadsheets and scripts write it, and cells that no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from dataset.formats.base import MAX_FILE_BYTES, read_bytes
from dataset.i18n import tr
from dataset.json_text import TextError, to_utf8
from dataset.messages import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

MAX_CELL = 1 << 24
"""Characters; of a longer cell, as of a quotation mark that is never closed, no memory is taken."""
SEPARATORS = (",", ";", "\t")
_FORMULA = re.compile(r"'*[=+\-@\t\r]")

csv.field_size_limit(MAX_CELL)


class CsvError(UserError):
    """The bytes of a file are no CSV; one sentence that names the file."""


def read_rows(path: Path, limit: int = MAX_FILE_BYTES) -> Iterator[list[str]]:
    """Yield the rows of a file in UTF-8 or UTF-16, separated by what separates most of its first line.

    A line `sep=;`, which Excel heeds, is passed over, and so are empty rows.

    Raises:
        FormatError: It cannot be read, or is larger than `limit` bytes.
        CsvError: It is none.
    """
    try:
        text = to_utf8(read_bytes(path, limit), path).decode()
    except TextError as error:
        raise CsvError(str(error)) from None
    start = 0
    first = text[: text.find("\n") + 1] or text
    separator = max(SEPARATORS, key=first.count)
    if first[:4].lower() == "sep=" and first[4:5] in SEPARATORS:
        separator, start = first[4], len(first)
    rows = csv.reader(io.StringIO(text[start:] if start else text, newline=""), delimiter=separator)
    try:
        for row in rows:
            if any(cell.strip() for cell in row):
                yield [_without_mark(cell) for cell in row]
    except csv.Error as error:
        text = tr(
            "{file} cannot be read as CSV: line {n} is damaged ({reason}).", file=path, n=rows.line_num, reason=error
        )
        raise CsvError(text) from None


def encode_rows(rows: Iterable[Sequence[str | float]]) -> bytes:
    """Return a CSV file in UTF-8. Text that a spreadsheet would take for a formula is written with a ' before it."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    for row in rows:
        writer.writerow([_marked(cell) if isinstance(cell, str) else cell for cell in row])
    return file.getvalue().encode(errors="replace")


def _marked(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text


def _without_mark(text: str) -> str:
    """Return what `_marked` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
