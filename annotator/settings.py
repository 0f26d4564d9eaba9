"""What the application remembers between starts. One place for every key."""

from __future__ import annotations

import os
from pathlib import Path
from typing import get_args

from PySide6.QtCore import QByteArray, QSettings, QStandardPaths

from annotator.core.no_overlap import OverlapRule
from annotator.core.strokes import DEFAULT_DIAMETER
from annotator.theme import Scheme

RECENT = 8
DEFAULT_THRESHOLD = 0.5


class Settings:
    """Typed access to `QSettings`. A value of the wrong type, from another version or a person, counts as absent."""

    def __init__(self, settings: QSettings | None = None) -> None:
        self._q = settings or QSettings()

    @property
    def recent(self) -> list[Path]:
        """Recent folders, the last one first."""
        value = self._q.value("recent", [])
        paths = value if isinstance(value, list) else [value]
        return [Path(text) for path in paths if (text := _restored(path))][:RECENT]

    def add_recent(self, folder: Path) -> None:
        """Put a folder at the head of the recent ones."""
        others = [path for path in self.recent if path != folder]
        self._q.setValue("recent", [_stored(str(path)) for path in [folder, *others][:RECENT]])

    def last_photo(self, folder: Path) -> str:
        """Return the photo that was shown last in this folder, or ""."""
        return _restored(self._q.value(f"last_photo/{_key(folder)}"))

    def set_last_photo(self, folder: Path, name: str) -> None:
        """Remember the shown photo."""
        self._q.setValue(f"last_photo/{_key(folder)}", _stored(name))

    def of_folder(self, name: str, folder: Path) -> str:
        """Return a setting of one folder of photos, such as which are listed, or ""."""
        return self._text(f"{name}/{_key(folder)}")

    def set_of_folder(self, name: str, folder: Path, text: str) -> None:
        """Remember a setting of one folder; "" for none."""
        if text:
            self._q.setValue(f"{name}/{_key(folder)}", text)
        else:
            self._q.remove(f"{name}/{_key(folder)}")

    @property
    def threshold(self) -> float:
        """The score from which suggestions are offered."""
        try:
            return min(max(float(self._text("threshold")), 0.05), 0.95)
        except ValueError:
            return DEFAULT_THRESHOLD

    @threshold.setter
    def threshold(self, value: float) -> None:
        self._q.setValue("threshold", str(value))

    @property
    def overlap_rule(self) -> OverlapRule:
        """Who keeps what two outlines share."""
        text = self._text("overlap")
        return next((rule for rule in OverlapRule if rule == text), OverlapRule.OFF)

    @overlap_rule.setter
    def overlap_rule(self, value: OverlapRule) -> None:
        self._q.setValue("overlap", value.value)

    @property
    def brush_size(self) -> int:
        """Diameter of the brush, in photo pixels."""
        text = self._text("brush_size")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else DEFAULT_DIAMETER

    @brush_size.setter
    def brush_size(self, value: int) -> None:
        self._q.setValue("brush_size", str(value))

    @property
    def weights(self) -> str:
        """The model: `builtin`, `coco` or a file."""
        return _restored(self._q.value("weights")) or "builtin"

    @weights.setter
    def weights(self, value: str) -> None:
        self._q.setValue("weights", _stored(value))

    @property
    def device(self) -> str:
        """Where the model runs: `auto`, `cpu` or `cuda`."""
        return self._text("device") or "auto"

    @device.setter
    def device(self, value: str) -> None:
        self._q.setValue("device", value)

    @property
    def language(self) -> str:
        """The code of the chosen language, such as `de` or `en`; "" for the system's."""
        return self._text("language")

    @language.setter
    def language(self, value: str) -> None:
        self._q.setValue("language", value)

    @property
    def scheme(self) -> Scheme:
        """`system`, `light` or `dark`."""
        text = self._text("scheme")
        return next((scheme for scheme in get_args(Scheme) if scheme == text), "system")

    @scheme.setter
    def scheme(self, value: Scheme) -> None:
        self._q.setValue("scheme", value)

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a yes or no, such as whether names are shown."""
        return self._text(f"flags/{name}", str(default)).lower() == "true"

    def set_flag(self, name: str, *, value: bool) -> None:
        """Remember a yes or no."""
        self._q.setValue(f"flags/{name}", str(value))

    def number(self, name: str, *, default: int) -> int:
        """Return a whole number, such as how opaque objects are."""
        try:
            return int(self._text(f"numbers/{name}", str(default)))
        except ValueError:
            return default

    def set_number(self, name: str, value: int) -> None:
        """Remember a whole number."""
        self._q.setValue(f"numbers/{name}", str(value))

    def layout(self, name: str) -> QByteArray:
        """Return the window's geometry or state, empty if there is none."""
        value = self._q.value(f"layout/{name}")
        return value if isinstance(value, QByteArray) else QByteArray()

    def set_layout(self, name: str, value: QByteArray) -> None:
        """Remember the window's geometry or state."""
        self._q.setValue(f"layout/{name}", value)

    def shortcut(self, action: str) -> str | None:
        """Return the keys that the person gave an action; None if they are the standard ones."""
        value = self._q.value(f"shortcuts/{action}")
        return value if isinstance(value, str) else None

    def set_shortcut(self, action: str, keys: str | None) -> None:
        """Remember the keys of an action; None for the standard ones."""
        if keys is None:
            self._q.remove(f"shortcuts/{action}")
        else:
            self._q.setValue(f"shortcuts/{action}", keys)

    def _text(self, key: str, default: str = "") -> str:
        value = self._q.value(key, default)
        return value if isinstance(value, str) else default


def data_folder() -> Path:
    """Return where the application may write what belongs to no photo folder."""
    return Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppDataLocation))


def _stored(path: str) -> str | QByteArray:
    """Return a path for `QSettings`, whose text drops what is not UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return QByteArray(os.fsencode(path))
    return path


def _restored(value: object) -> str:
    """Return the inverse of `_stored`; "" for what it did not make."""
    return (
        os.fsdecode(bytes(value.data())) if isinstance(value, QByteArray) else value if isinstance(value, str) else ""
    )


def _key(folder: Path) -> str:
    return str(folder).replace("/", "|").replace("\\", "|")  # QSettings reads slashes as groups
