"""XML without what makes it dangerous: a document type is refused, and with it every entity; its depth is bounded."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING
from xml.parsers import expat

from dataset.formats.base import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH = 32
MAX_ELEMENTS = 500_000
"""A text of 16 MB may have four millions, which take a gigabyte."""
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class XmlError(FormatError):
    """A text is no XML, or has what is refused."""


@dataclass(slots=True)
class Element:
    """An element without its attributes."""

    tag: str
    texts: list[str] = field(default_factory=list)
    children: list[Element] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What stands in it directly, without spaces around it."""
        return "".join(self.texts).strip()

    def all(self, tag: str) -> Iterator[Element]:
        """Yield the children of a name."""
        return (child for child in self.children if child.tag == tag)

    def value(self, *tags: str) -> str:
        """Return the text of the first child of a name, of the first of that of the next name; "" without."""
        here: Element | None = self
        for tag in tags:
            here = next(here.all(tag), None) if here else None
        return here.text if here else ""


def parse(data: bytes) -> Element:
    """Return the root of a text.

    Raises:
        XmlError: It is no XML, has a document type, is nested too deeply or has too many elements.
    """
    top = Element("")
    open_elements = [top]

    count = 0

    def start(tag: str, _attributes: object) -> None:
        nonlocal count
        count += 1
        if len(open_elements) > MAX_DEPTH or count > MAX_ELEMENTS:
            raise XmlError("nested too deeply, or too long")
        element = Element(tag)
        open_elements[-1].children.append(element)
        open_elements.append(element)

    def add(part: str) -> None:
        open_elements[-1].texts.append(part)

    def refuse(*_declared: object) -> None:
        raise XmlError("a document type")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _tag: open_elements.pop()
    parser.CharacterDataHandler = add
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # an unknown encoding is the last one
        raise XmlError(str(error)) from None
    return top.children[0]


def element(tag: str, *content: str | int | None) -> str:
    """Return an element of texts, or of elements made by this."""
    inner = "".join(str(part) for part in content if part is not None)
    return f"<{tag}>{inner}</{tag}>\n"


def text(value: str) -> str:
    """Return a text as it may stand in an element."""
    return escape(_FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", value), quote=False)
