"""Attributes of an object, such as "occluded: true", and the group it belongs to: fields of its COCO annotation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from annotator.core.annotation import Annotation

ATTRIBUTES = "attributes"  # as CVAT writes it: an object of names and values
GROUP = "group_id"  # as labelme names it

Value = str | int | float | bool


def attributes(record: Annotation) -> dict[str, str]:
    """Return the attributes that are text, numbers, yes or no, as text. Others are kept and not shown."""
    return {name: _text(value) for name, value in _given(record).items() if isinstance(value, Value)}


def group(record: Annotation) -> str:
    """Return the group as text; "" without one."""
    value = record.extra.get(GROUP)
    return _text(value) if isinstance(value, Value) else ""


def known_names(records: Iterable[Annotation], category_id: int) -> list[str]:
    """Return the names that objects of a class have, each once, in order."""
    names = (name for record in records if record.category_id == category_id for name in attributes(record))
    return list(dict.fromkeys(names))


def with_changes(record: Annotation, changes: Mapping[str, str], new_group: str | None = None) -> Annotation:
    """Return the record with attributes set, or without those that are set to "", and in another group ("": in none).

    A text becomes a number, yes or no where the value before was one, or for a group where it is whole.
    """
    given = dict(_given(record))
    for name, text in changes.items():
        if text:
            given[name] = _value(text, given.get(name))
        else:
            given.pop(name, None)
    extra = dict(record.extra)
    if changes:
        extra[ATTRIBUTES] = given
        if not given:
            del extra[ATTRIBUTES]
    if new_group is not None:
        extra[GROUP] = _value(new_group, extra.get(GROUP, 0))
        if not new_group:
            del extra[GROUP]
    return record if extra == dict(record.extra) else replace(record, extra=extra)


def in_words(record: Annotation) -> list[str]:
    """Return the attributes and the group as people read them."""
    words = [f"{name}: {text}" for name, text in attributes(record).items()]
    return [*words, tr("group {group}", group=group(record))] if group(record) else words


def _given(record: Annotation) -> Mapping[str, object]:
    given = record.extra.get(ATTRIBUTES)
    return given if isinstance(given, dict) else {}


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(text: str, before: object) -> Value:
    if isinstance(before, bool) and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if isinstance(before, int | float) and not isinstance(before, bool):
        for kind in (int, float):
            try:
                value = kind(text)
            except ValueError:
                continue
            if value - value == 0:  # JSON has neither NaN nor infinity
                return value
    return text
