from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dataset.i18n import VARIABLE, mark, plural, tr

HEADER = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\nPlural-Forms: {forms}\\n"\n\n'
GERMAN = """
msgid "{file} cannot be read."
msgstr "{file} ist nicht lesbar."

msgid "{n} photo"
msgid_plural "{n} photos"
msgstr[0] "{n} Foto"
msgstr[1] "{n} Fotos"
"""
BEGUN = """
msgid "{n} photo"
msgid_plural "{n} photos"
msgstr[0] ""
"""


@pytest.fixture
def use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, str], None]:
    def write(name: str, forms: str, body: str) -> None:
        file = tmp_path / name
        file.write_text(HEADER.format(forms=forms) + body, encoding="utf-8")
        monkeypatch.setenv(VARIABLE, str(file))

    return write


def test_english_is_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    assert tr("{file} cannot be read.", file="{a}") == "{a} cannot be read."
    assert [plural("{n} photo", "{n:,} photos", n) for n in (1, 1200)] == ["1 photo", "1,200 photos"]
    assert (tr(""), tr("{a}"), mark("x")) == ("", "{a}", "x")


def test_a_name_out_of_a_file_breaks_no_line_and_steers_no_terminal() -> None:
    assert tr("{file} is red.", file="a\n\x1b[31mb\u2028.jpg") == "a\ufffd\ufffd[31mb\ufffd.jpg is red."
    assert tr("{error}", error=ValueError("a\r\nb")) == "a\ufffd\ufffdb"
    assert plural("{n} of {name}", "{n:,} of {name}", 1000, name="\t") == "1,000 of \ufffd"


def test_a_language_is_a_file(use: Callable[[str, str, str], None]) -> None:
    use("de.po", "nplurals=2; plural=(n != 1);", GERMAN)
    assert tr("{file} cannot be read.", file="a") == "a ist nicht lesbar."
    assert [plural("{n} photo", "{n} photos", n) for n in (1, 2)] == ["1 Foto", "2 Fotos"]
    assert tr("Not translated yet.") == "Not translated yet."


def test_what_is_not_translated_yet_keeps_its_own_plural_forms(use: Callable[[str, str, str], None]) -> None:
    use("ko.po", "nplurals=1; plural=0;", BEGUN)
    assert [plural("{n} photo", "{n} photos", n) for n in (0, 1, 2)] == ["0 photos", "1 photo", "2 photos"]


def test_a_language_without_a_file_is_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "xx")
    assert tr("Save") == "Save"
