"""Attributes of an object, such as "occluded: true", and the group it belongs to: fields of its COCO annotation."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from annotator.core.annotation import Annotation
    from dataset.coco.categories import Category

ATTRIBUTES = "attributes"  # as CVAT writes it: an object of names and values
GROUP = "group_id"  # as labelme names it

Value = str | int | float | bool


class DeclaredAttribute(NamedTuple):
    """An attribute that the objects of a class are to have, as the file says of the class."""

    name: str
    values: tuple[str, ...] = ()
    """The texts to choose from; empty where any text will do."""
    example: Value = ""
    """A value of the type that it is written in."""


def declared(category: Category) -> list[DeclaredAttribute]:
    """Return the attributes that a class declares in its field `attributes`, as far as that is understood.

    It is a list of names, as Datumaro writes it, or of records with `name`, `values` and `input_type`, as in a label
    of CVAT; or an object of names and lists of values.
    """
    given = category.extra.get(ATTRIBUTES)
    entries = [{"name": k, "values": v} for k, v in given.items()] if isinstance(given, dict) else given
    found = [_declared(entry) for entry in entries] if isinstance(entries, list) else []
    return list({one.name: one for one in found if one is not None}.values())


def _declared(entry: Any) -> DeclaredAttribute | None:  # noqa: ANN401 - whatever the file has
    record = {"name": entry} if isinstance(entry, str) else entry
    name = record.get("name") if isinstance(record, dict) else None
    if not isinstance(name, str) or not name.strip():
        return None
    values, kind = record.get("values"), record.get("input_type")
    listed = values.split("\n") if isinstance(values, str) else values if isinstance(values, list) else []
    known = [value for value in listed if isinstance(value, Value) and value != ""]
    if kind == "checkbox" or (known and all(isinstance(value, bool) for value in known)):
        return DeclaredAttribute(name, ("true", "false"), example=False)
    if kind in ("number", "text"):  # CVAT's values are then the least, the greatest and the step
        return DeclaredAttribute(name, (), 0 if kind == "number" else "")
    are_numbers = bool(known) and all(isinstance(value, int | float) for value in known)
    return DeclaredAttribute(name, tuple(dict.fromkeys(map(_text, known))), 0 if are_numbers else "")


def common(texts: Sequence[Mapping[str, str]]) -> dict[str, str | None]:
    """Return by name the value that objects have, given the attributes of each; None where they differ in it."""
    names = dict.fromkeys(name for given in texts for name in given)
    found = {name: {given.get(name, "") for given in texts} for name in names}
    return {name: next(iter(values)) if len(values) == 1 else None for name, values in found.items()}


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


def with_changes(
    record: Annotation,
    changes: Mapping[str, str],
    new_group: str | None = None,
    examples: Mapping[str, Value] = MappingProxyType({}),
) -> Annotation:
    """Return the record with attributes set, or without those that are set to "", and in another group ("": in none).

    A text becomes a number, yes or no where the value before was one, else its example; or for a group where it is
    whole.
    """
    given = dict(_given(record))
    for name, text in changes.items():
        if text:
            given[name] = _value(text, given.get(name, examples.get(name)))
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
