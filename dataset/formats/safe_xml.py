"""XML of files of unknown origin as a tree, without anything that reading alone could harm with.

A document type is refused as a whole: it is where entities are declared, of which a few lines can expand to gigabytes
("billion laughs") or read other files. No format of annotations has one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from dataset.i18n import tr
from dataset.messages import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MAX_NODES = 12_000_000
"""Elements and attributes of a file; each takes about 100 bytes, whatever its length in the file."""
MAX_DEPTH = 64
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class XmlError(UserError):
    """The bytes of a file are no XML that is read here; one sentence that names the file."""


class _Refused(Exception):  # noqa: N818 - why a file is refused
    pass


def xml_text(text: str) -> str:
    """Return text with U+FFFD for each character that no XML can have: controls, and halves of surrogate pairs."""
    return _NO_XML.sub("\ufffd", text)


def parse_xml(data: bytes, path: Path) -> Element:
    """Return the root of an XML document in any encoding that it names and expat knows.

    Args:
        data: The content of the file, of a size that the caller has bounded.
        path: For messages.

    Raises:
        XmlError: It is damaged or no XML, has a document type, or more than MAX_NODES or MAX_DEPTH.
    """
    (root,) = _Elements((data,), path, level=1)
    return root


def xml_children(pieces: Iterable[bytes], path: Path, root: str) -> Iterator[Element]:
    """Yield what is in the root of an XML document one after the other, without the document as a whole.

    Args:
        pieces: The content of the file.
        path: For messages.
        root: The tag of the root; there is nothing in one of another.

    Raises:
        XmlError: As `parse_xml` does, MAX_NODES being for each.
    """
    elements = _Elements(pieces, path, level=2)
    yield from (element for element in elements if elements.root == root)


class _Elements:
    """The elements of one level of an XML document, each with all that is in it."""

    def __init__(self, pieces: Iterable[bytes], path: Path, level: int) -> None:
        self._pieces, self._path, self._level = pieces, path, level
        self.root = ""
        """The tag of the root, once there is one."""
        self._nodes = self._depth = 0
        self._builder = TreeBuilder()
        self._found: list[Element] = []
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = self._refuse

    def __iter__(self) -> Iterator[Element]:
        for piece in self._pieces:
            yield from self._parse(piece)
        yield from self._parse(b"", is_last=True)

    def _parse(self, data: bytes, *, is_last: bool = False) -> list[Element]:
        """Return the elements that end in a piece of the document."""
        try:
            self._parser.Parse(data, is_last)
        except _Refused as error:
            raise XmlError(str(error)) from None
        except expat.ExpatError as error:
            reason = tr("{problem} in line {n}", problem=expat.ErrorString(error.code), n=error.lineno)
            raise XmlError(tr("{file} cannot be read as XML: {reason}.", file=self._path, reason=reason)) from None
        except (ValueError, LookupError):  # multi-byte encodings, and names that are none
            text = tr("{file} cannot be read: its encoding is not supported. Save it as UTF-8.", file=self._path)
            raise XmlError(text) from None
        found, self._found = self._found, []
        return found

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.root = self.root or name
        self._depth += 1
        self._nodes += 1 + len(attributes)
        if self._nodes > MAX_NODES:
            raise _Refused(tr("{file} has more than {n:,} elements; split it.", file=self._path, n=MAX_NODES))
        if self._depth > MAX_DEPTH:
            raise _Refused(tr("{file} is damaged: its elements are nested too deeply.", file=self._path))
        if self._depth >= self._level:
            self._builder.start(name, attributes)

    def _end(self, name: str) -> None:
        if self._depth >= self._level:
            self._builder.end(name)
        if self._depth == self._level:
            self._found.append(self._builder.close())
            self._builder, self._nodes = TreeBuilder(), 0
        self._depth -= 1

    def _data(self, text: str) -> None:
        if self._depth >= self._level:
            self._builder.data(text)

    def _refuse(self, *_: object) -> None:
        raise _Refused(tr("{file} declares a document type (DOCTYPE) and is not read: remove it.", file=self._path))
