"""Every sentence that a person reads goes through `tr` or `plural`, so that a language is one new file.

English is the source and needs no file. Another language is a gettext catalogue, `resources/translations/<code>.po`.
Which one holds is decided when a sentence is made: by `set_language`, else by `ANNOTATOR_LANGUAGE`, which started
processes inherit.
"""

from __future__ import annotations

import gettext
import os
import re
from functools import cache
from io import BytesIO
from pathlib import Path

from resources import TRANSLATIONS

VARIABLE = "ANNOTATOR_LANGUAGE"
"""Names the language of this process and of those that it starts; a code such as `de`, or the path of a `.po` file."""

_UNPRINTABLE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029]")


def tr(text: str, /, **values: object) -> str:
    """Return a sentence in the person's language.

    Args:
        text: The English sentence, a literal, with `str.format` fields for what varies: `"{file} cannot be read."`.
        values: The fields' values. Without any, `text` is not formatted. Names out of files may hold what breaks a line
            or steers a terminal, and are shown without.
    """
    translated = _catalogue(language()).gettext(text) if text else ""
    return _printable(translated.format(**_in_line(values))) if values else translated


def plural(one: str, many: str, n: int, /, **values: object) -> str:
    """Return the form of a sentence for a number, which it may name as `{n}` or `{n:,}`.

    Args:
        one: English, for exactly one: `"{n} photo"`.
        many: English, for all other numbers: `"{n} photos"`.
        n: The number.
        values: Other fields, as for `tr`.
    """
    return _printable(_catalogue(language()).ngettext(one, many, n).format(n=n, **_in_line(values)))


def mark(text: str) -> str:
    """Return a sentence as it is, where it cannot be translated yet: whoever shows it calls `tr` on it."""
    return text


def set_language(code: str) -> None:
    """Use a language from now on, in this process and those that it starts; "" is English."""
    os.environ[VARIABLE] = code


def languages() -> list[str]:
    """Return the codes of the languages that there are files for; English, which needs none, apart."""
    return sorted(file.stem for file in TRANSLATIONS.glob("*.po"))


def language() -> str:
    """Return the language in use: a code, the path of a `.po` file, or "" for English."""
    return os.environ.get(VARIABLE, "")


def _in_line(values: dict[str, object]) -> dict[str, object]:
    """Return values without control characters."""
    return {
        name: _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text) if _CONTROL.search(text := str(value)) else value
        for name, value in values.items()
    }


def _printable(text: str) -> str:
    """Return a text as a terminal or Qt can show it: file names that are not UTF-8 have what neither takes."""
    return text if text.isascii() else _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    """Return a language's sentences; those of English where it has no file."""
    file = _file(language)
    if file is None:
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo  # noqa: PLC0415 - English needs none of it
    from babel.messages.pofile import read_po  # noqa: PLC0415

    with file.open("rb") as source:
        catalogue = read_po(source, locale=None if file.parent != TRANSLATIONS else language)
    for message in [m for m in catalogue if m.id and not all(_forms(m.string))]:
        catalogue.delete(message.id)  # not translated yet: English, in its own plural forms
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _forms(string: object) -> list[str]:
    """Return a sentence's translations: one, or one for each plural form."""
    if isinstance(string, dict):
        return list(string.values())
    return list(string) if isinstance(string, tuple | list) else [str(string or "")]


def _file(language: str) -> Path | None:
    if not language:
        return None
    candidates = (TRANSLATIONS / f"{language}.po", Path(language))
    return next((file for file in candidates if file.suffix == ".po" and file.is_file()), None)
