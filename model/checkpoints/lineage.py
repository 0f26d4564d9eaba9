"""The lineage of a model: parent, images, options, figures and date, read from the header of its checkpoint.

`model.finetuning.model_header` writes it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from model.checkpoints.checkpoint import FORMAT
from model.checkpoints.safetensors_file import read_header

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class ModelRecord:
    """Lineage and figures of one checkpoint."""

    path: Path
    name: str
    created: str
    """ISO 8601 with its time zone; empty where it is not known."""
    parent: str
    """`builtin`, `coco`, or the id of a checkpoint; empty where it is not known."""
    parent_name: str
    """The same for people: the name of the parent's file."""
    photos: int
    """That it learned from."""
    result: dict[str, Any]
    """As in the `result` event; empty where nothing was compared."""
    settings: dict[str, Any]
    annotations: dict[str, str]
    """Digest of the annotations of each photo, by file name, that it learned from or was measured on."""
    split: dict[str, int]


def read(path: Path) -> ModelRecord | None:
    """Return the record of a checkpoint, without reading its tensors; None where it is no checkpoint of ours."""
    try:
        header = read_header(path).metadata
        if header.get("format") != FORMAT:
            return None
        metrics: Any = json.loads(header.get("metrics", "{}"))
    except (OSError, SafetensorError, ValueError, RecursionError):
        return None
    own: Any = metrics.get("lineage") if isinstance(metrics, dict) else None
    own = own if isinstance(own, dict) else {}
    split = _record(own, "split")
    return ModelRecord(
        path,
        path.stem,
        str(own.get("created", "")),
        str(own.get("parent", "")),
        str(own.get("parent_name", own.get("parent", ""))),
        split.get("train", 0) if isinstance(split.get("train", 0), int) else 0,
        _record(own, "result"),
        _record(own, "settings"),
        {str(k): str(v) for k, v in _record(own, "annotations").items()},
        {k: v for k, v in split.items() if isinstance(v, int)},
    )


def _record(own: dict[str, Any], name: str) -> dict[str, Any]:
    value = own.get(name)
    return value if isinstance(value, dict) else {}


def photo_id(digest: str) -> str:
    """Return what stands for a photo of this digest among those that a model was trained on."""
    return digest[:16]


def trained_on(metrics: Mapping[str, Any]) -> set[str]:
    """Return the photos, see `photo_id`, that a model and those before it were trained on, as far as is known.

    Args:
        metrics: Of its checkpoint.
    """
    own = metrics.get("lineage")
    photos = own.get("trained_on") if isinstance(own, dict) else None
    return {p for p in photos if isinstance(p, str)} if isinstance(photos, list) else set()


def lineage(folder: Path) -> list[ModelRecord]:
    """Return the records of the checkpoints in a folder, the oldest first; other files are passed over."""
    found = [read(path) for path in sorted(folder.glob("*.safetensors"))]
    return sorted((r for r in found if r is not None), key=lambda r: (r.created, r.name))
