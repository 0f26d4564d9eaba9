"""`data.yaml` of a YOLO dataset: classes, keypoints, and where the photos are; `classes.txt` of older tools."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dataset.coco.categories import mirror
from dataset.formats.base import FormatError, read_bytes
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from dataset.formats.base import ClassRecord

NAME = "data.yaml"
CLASSES = "classes.txt"
SPLITS = ("train", "val", "test")
MAX_BYTES = 4 << 20
MAX_DEPTH = 16
"""Lists and tables in one another."""
MAX_CLASSES = 100_000
MAX_KEYPOINTS = 1000


@dataclass(frozen=True, slots=True)
class DataYaml:
    """What a `data.yaml` says."""

    names: dict[int, str]
    """Class index -> name, unique."""
    keypoint_shape: tuple[int, int] | None = None
    """Number of keypoints, and 2 for x, y or 3 for x, y, visibility."""
    keypoint_names: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Class index -> names; empty where the file has none."""
    root: str = ""
    """`path`: the folder that the splits are relative to."""
    splits: tuple[str, ...] = ()
    """Folders or lists of photos."""


def read_data_yaml(path: Path) -> DataYaml:
    """Return what a `data.yaml` says.

    Raises:
        FormatError: The file cannot be read, or is none.
    """
    contents = _load(path)
    if not isinstance(contents, dict):
        raise _not_one(path, tr("it needs a list of names"))
    listed = [contents.get(split) for split in SPLITS]
    splits = [item for value in listed for item in (value if isinstance(value, list) else [value])]
    root = contents.get("path")
    return DataYaml(
        unique_names(_indexed(path, contents.get("names"))),
        _keypoint_shape(path, contents.get("kpt_shape")),
        _keypoint_names(contents.get("kpt_names")),
        root if isinstance(root, str) else "",
        tuple(item for item in splits if isinstance(item, str) and item),
    )


def read_classes_txt(path: Path) -> DataYaml:
    """Return the classes of a `classes.txt`, one name a line.

    Raises:
        FormatError: The file cannot be read.
    """
    lines = _text(path).rstrip().splitlines()
    return DataYaml(unique_names({i: line.strip() for i, line in enumerate(lines[:MAX_CLASSES])}))


def unique_names(names: Mapping[int, str]) -> dict[int, str]:
    """Return names of which none is empty and no two are the same whatever the case."""
    taken: set[str] = set()
    made: dict[int, str] = {}
    for index, given in sorted(names.items()):
        name = given or f"class {index}"
        while name.casefold() in taken:
            name += "'"
        taken.add(name.casefold())
        made[index] = name
    return made


def data_yaml(
    classes: Sequence[ClassRecord],
    indices: Mapping[str, int],
    names: Mapping[int, str],
    splits: Mapping[str, str | list[str]],
) -> bytes:
    """Return a `data.yaml`.

    Args:
        classes: Of the dataset; those with keypoints make it one of poses.
        indices: Class name -> index.
        names: Index -> name, of all classes, those of an earlier export included.
        splits: `train`, `val` and `test` -> folder of photos, or several.
    """
    import yaml  # noqa: PLC0415 - only datasets of YOLO need it

    body: dict[str, Any] = {**splits, "names": dict(sorted(names.items()))}
    posed = [c for c in classes if c.keypoint_names]
    if count := max((len(c.keypoint_names) for c in posed), default=0):
        body["kpt_shape"] = [count, 3]
        # Flips hold for all classes alike: without it, nothing is flipped in training.
        flips = {tuple(mirror(c.keypoint_names)) for c in posed}
        if len(flips) == 1:
            body["flip_idx"] = list(flips.pop())
        known = {indices[c.name]: c.keypoint_names for c in posed}
        body["kpt_names"] = {i: [*known.get(i, ()), *[""] * (count - len(known.get(i, ())))] for i in sorted(names)}
    return yaml.safe_dump(body, sort_keys=False, allow_unicode=True, default_flow_style=None).encode()


def _load(path: Path) -> Any:  # noqa: ANN401 - whatever the file has
    """Return a YAML file's content with every value as text: "no" is a name, not false."""
    import yaml  # noqa: PLC0415 - only datasets of YOLO need it

    text = _text(path)
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # makes texts, lists and tables, nothing else
    depth = 0
    try:
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.AliasEvent):  # a few lines of them stand for billions
                raise _not_one(path, tr("it has aliases"))
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise _not_one(path, tr("it is nested too deeply"))
        return yaml.load(text, Loader=loader)  # noqa: S506 - see above
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        reason = tr("line {n} cannot be understood", n=mark.line + 1) if mark else tr("it is not YAML")
        raise _not_one(path, reason) from None


def _text(path: Path) -> str:
    try:
        return read_bytes(path, MAX_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _not_one(path, tr("it is not text in UTF-8")) from None


def _not_one(path: Path, reason: str) -> FormatError:
    return FormatError(tr("{file} does not describe a dataset of YOLO: {reason}.", file=path, reason=reason))


def _indexed(path: Path, names: object) -> dict[int, str]:
    """Return the names of classes by index, from a list or a table."""
    pairs = names.items() if isinstance(names, dict) else enumerate(names) if isinstance(names, list) else ()
    found: dict[int, str] = {}
    for key, name in pairs:
        index = _index(key)
        if index is None or not isinstance(name, str):
            raise _not_one(path, tr("a class has no number or no name"))
        found[index] = name.strip()
    if not found:
        raise _not_one(path, tr("it needs a list of names"))
    return found


def _index(key: object) -> int | None:
    text = str(key)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 and int(text) < MAX_CLASSES else None


def _keypoint_shape(path: Path, value: object) -> tuple[int, int] | None:
    if not value:
        return None
    count, values = [_index(item) or 0 for item in value] if isinstance(value, list) and len(value) == 2 else (0, 0)
    if not 0 < count <= MAX_KEYPOINTS or values not in (2, 3):
        raise _not_one(path, tr("its kpt_shape is not a number of keypoints and 2 or 3"))
    return count, values


def _keypoint_names(value: object) -> dict[int, tuple[str, ...]]:
    """Return names of keypoints by class, without empty ones at the end."""
    found: dict[int, tuple[str, ...]] = {}
    for key, names in value.items() if isinstance(value, dict) else ():
        index = _index(key)
        if index is not None and isinstance(names, list) and all(isinstance(name, str) for name in names):
            stripped = [name.strip() for name in names]
            while stripped and not stripped[-1]:
                stripped.pop()
            found[index] = tuple(unique_names(dict(enumerate(stripped))).values())
    return found
