"""Which photos of a folder are listed, and in which order."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from annotator.core.document import Status
from dataset.json_text import loads

if TYPE_CHECKING:
    from annotator.core.categories import Categories

FINISHED = frozenset({Status.DONE, Status.SKIPPED, Status.UNREADABLE})
"""Nothing is left to do on such a photo."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a photo must be to be listed: all of it."""

    text: str = ""
    """Words that its name must have, in either case."""
    statuses: frozenset[Status] | None = None
    """How far the work on it must be; None: any."""
    category: int | None = None
    """The class of which it must have an object; None: any or none."""
    min_count: int = 0
    """The fewest objects it may have."""
    max_count: int | None = None
    """The most objects it may have; None: any number."""
    below_score: float | None = None
    """It must have a suggestion on offer with a score below this; None: it need not."""
    tag: str | None = None
    """The tag that it must have; None: any or none."""
    has_note: bool = False
    """Whether it must have a note."""

    @property
    def is_set(self) -> bool:
        """Whether it can leave a photo out."""
        return bool(self.text.split()) or self.statuses is not None or self.has_details

    @property
    def has_details(self) -> bool:
        """Whether it can leave a photo out for what is on it."""
        return replace(self, text="", statuses=None) != EVERYTHING

    def of(self, categories: Categories) -> Filter:
        """Return the filter without a class that there is not any more."""
        return self if self.category is None or self.category in categories else replace(self, category=None)


EVERYTHING = Filter()


def to_json(value: Filter, categories: Categories) -> str:
    """Return a filter as text, to be read in another session: without its words, with the class by its name."""
    plain: dict[str, Any] = {
        field.name: getattr(value, field.name)
        for field in fields(value)
        if field.name not in ("text", "category", "statuses") and getattr(value, field.name) != field.default
    }
    if value.statuses is not None:
        plain["statuses"] = sorted(value.statuses)
    if value.category is not None and value.category in categories:
        plain["class"] = categories[value.category].name
    return json.dumps(plain) if plain else ""


def from_json(text: str, categories: Categories) -> Filter:
    """Return the inverse of `to_json`. What is not understood, or of a class that there is not, is left out."""
    try:
        plain = loads(text.encode(errors="surrogatepass")) if text else {}
    except ValueError:
        plain = {}
    if not isinstance(plain, dict):
        return EVERYTHING
    statuses = plain.get("statuses")
    known = frozenset(s for s in Status if s in statuses) if isinstance(statuses, list) else None
    name = plain.get("class")
    category = categories.find(name) if isinstance(name, str) else None
    return Filter(
        statuses=known or None,
        category=category.id if category else None,
        min_count=_number(plain, "min_count", int) or 0,
        max_count=_number(plain, "max_count", int),
        below_score=_number(plain, "below_score", float),
        tag=tag if isinstance(tag := plain.get("tag"), str) else None,
        has_note=plain.get("has_note") is True,
    )


def _number(plain: dict[str, Any], key: str, kind: type) -> Any:  # noqa: ANN401 - of that kind
    value = plain.get(key)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return kind(value) if is_number and 0 <= value < 1e9 else None
