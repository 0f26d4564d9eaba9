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
    parser = expat.ParserCreate()
    parser.buffer_text = True
    builder = TreeBuilder()
    nodes = depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal nodes, depth
        nodes += 1 + len(attributes)
        depth += 1
        if nodes > MAX_NODES:
            raise _Refused(tr("{file} has more than {n:,} elements; split it.", file=path, n=MAX_NODES))
        if depth > MAX_DEPTH:
            raise _Refused(tr("{file} is damaged: its elements are nested too deeply.", file=path))
        builder.start(name, attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name)

    def doctype(*_: object) -> None:
        raise _Refused(tr("{file} declares a document type (DOCTYPE) and is not read: remove it.", file=path))

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = doctype
    parser.EntityDeclHandler = doctype
    try:
        parser.Parse(data, True)
        return builder.close()
    except _Refused as error:
        raise XmlError(str(error)) from None
    except expat.ExpatError as error:
        reason = tr("{problem} in line {n}", problem=expat.ErrorString(error.code), n=error.lineno)
        raise XmlError(tr("{file} cannot be read as XML: {reason}.", file=path, reason=reason)) from None
    except (ValueError, LookupError):  # multi-byte encodings, and names that are none
        text = tr("{file} cannot be read: its encoding is not supported. Save it as UTF-8.", file=path)
        raise XmlError(text) from None
