from __future__ import annotations

from pathlib import Path

import pytest

from dataset.formats import safe_xml
from dataset.formats.safe_xml import XmlError, parse_xml

BOMB = b'<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;">]><a>&y;</a>'
OTHER_FILE = b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_text_and_attributes_in_every_encoding(encoding: str) -> None:
    name = encoding.removesuffix("-sig")
    text = f'<?xml version="1.0" encoding="{name}"?><a n="Brötchen"><b>é &lt; &#228;</b><b/></a>'
    root = parse_xml(text.encode(encoding), Path("x.xml"))
    assert (root.tag, root.get("n"), [b.text for b in root.iter("b")]) == ("a", "Brötchen", ["é < ä", None])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (BOMB, "DOCTYPE"),
        (BOMB.decode().encode("utf-16"), "DOCTYPE"),
        (OTHER_FILE, "DOCTYPE"),
        (b"<a>&x;</a>", "undefined entity in line 1"),
        (b"<a>\n<b></a>", "mismatched tag in line 2"),
        (b"<a><b>", "cannot be read as XML"),
        (b"", "cannot be read as XML"),
        (b"<a/>" + b"\xff", "cannot be read as XML"),
        (b"<a>" * 100_000, "too deeply"),
        (b'<?xml version="1.0" encoding="gbk"?><a>\xb0\xa1</a>', "encoding"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "encoding"),
    ],
)
def test_what_is_refused_is_one_sentence(data: bytes, reason: str) -> None:
    with pytest.raises(XmlError, match=rf"^x\.xml .*{reason}.*\.$"):
        parse_xml(data, Path("x.xml"))


def test_elements_and_attributes_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_xml, "MAX_NODES", 4)
    parse_xml(b'<a><b c="" d=""/></a>', Path("x.xml"))
    with pytest.raises(XmlError, match="more than 4 elements"):
        parse_xml(b'<a><b c="" d=""/><e/></a>', Path("x.xml"))
