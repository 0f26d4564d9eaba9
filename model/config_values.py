"""The settings of `model.config` as values: JSON in the header of a checkpoint, and changes in words."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any, TypeVar

from model.config import ModelConfig, TrainConfig

Config = TypeVar("Config", ModelConfig, TrainConfig)


def to_dict(config: ModelConfig | TrainConfig) -> dict[str, Any]:
    """Return the settings as JSON-ready values."""
    return asdict(config)


def non_defaults(config: ModelConfig | TrainConfig) -> dict[str, Any]:
    """Return the settings that are otherwise than by default: a field that is yet to come adds none."""
    usual = asdict(type(config)())
    return {name: value for name, value in asdict(config).items() if value != usual[name]}


def model_config(values: dict[str, Any]) -> ModelConfig:
    """Return the config that `to_dict` wrote.

    Raises:
        ValueError: A field is unknown, has the wrong type or a value that no network can have.
    """
    return _read(ModelConfig, values)


def _read(kind: type[Config], values: dict[str, Any]) -> Config:
    if not isinstance(values, dict):
        raise ValueError("the settings are not a record")  # noqa: TRY004 - all that is wrong is one error
    known = {field.name: field for field in fields(kind)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ValueError(f"the settings hold the unknown field {unknown[0]!r}")
    return kind(**{name: _value(name, value, known[name].default) for name, value in values.items()})


def _value(name: str, value: object, default: object) -> object:
    """Return a value in the type of its field, which is that of the default."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(default, tuple):
        if not isinstance(value, list | tuple) or not all(type(v) in (int, float) for v in value):
            raise ValueError(f"{name} is not a list of numbers")
        return tuple(value)
    if isinstance(default, float) and number:
        return float(value)  # pyrefly: ignore
    if type(value) is not type(default):
        raise ValueError(f"{name} is {value!r}, which is not a {type(default).__name__}")
    return value


def changed(config: Config, changes: list[str]) -> Config:
    """Return the config with fields changed as `name=value` says; the value is JSON, or a word as it stands.

    Only a MobileNet has a width: another backbone is one of width 1, unless the changes say something else.

    Raises:
        ValueError: With one sentence: a change is not of that form, or nothing can have it.
    """
    values = to_dict(config)
    names = set()
    for change in changes:
        name, equals, text = change.partition("=")
        if not equals:
            raise ValueError(f"{change!r} is no change: write name=value")
        names.add(name)
        try:
            values[name] = json.loads(text)
        except (ValueError, RecursionError):
            values[name] = text
    if "backbone" in names and "width" not in names and not str(values["backbone"]).startswith("mobilenet"):
        values["width"] = 1.0
    return _read(type(config), values)
