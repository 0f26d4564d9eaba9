"""Where a model comes from: parent, photos, settings, figures and date, kept in the header of its checkpoint."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import to_builtins
from safetensors import SafetensorError

from model.checkpoints.checkpoint import FORMAT
from model.checkpoints.safetensors_file import read_metadata

if TYPE_CHECKING:
    from model.data.project_dataset import Project
    from model.finetuning.hyperparameters import Hyperparameters
    from model.finetuning.prepare import FineTuneSetup
    from model.protocol import Result


@dataclass(frozen=True)
class ModelRecord:
    """What a checkpoint says of itself."""

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


def digests(project: Project) -> dict[str, str]:
    """Return for each photo a digest of its annotations: another one when they are edited."""
    records: dict[int, list[str]] = {image["id"]: [] for image in project.data["images"]}
    for annotation in project.data["annotations"]:
        kept = {k: annotation.get(k) for k in ("category_id", "bbox", "segmentation", "keypoints", "iscrowd")}
        records[annotation["image_id"]].append(json.dumps(kept, sort_keys=True, default=str))
    return {
        image["file_name"]: blake2b("\n".join(sorted(records[image["id"]])).encode(), digest_size=8).hexdigest()
        for image in project.data["images"]
    }


def header(ready: FineTuneSetup, settings: Hyperparameters, result: Result) -> dict[str, Any]:
    """Return the `metrics` of a new checkpoint."""
    job = ready.job
    own = "builtin" if ready.parent is not ready.rival else job.parent  # see `model.finetuning.prepare.begin_at`
    parent = own if own in ("builtin", "coco") else ready.parent.digest()
    lineage = {
        "name": job.output.stem,
        "parent": parent,
        "parent_name": parent if parent == own else Path(own).stem,
        "rival": Path(job.parent).stem,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "annotations": digests(ready.project),
        "settings": {**settings.record(), "forget": job.options.forget, "seed": job.options.seed},
        "split": {"train": len(ready.parts.train), "val": len(ready.parts.val), "folds": len(ready.parts.folds)},
        "result": {k: v for k, v in to_builtins(result).items() if k != "event"},
    }
    figures: dict[str, Any] = {"mask": {"AP": result.after}} if result.after is not None else {}
    if result.keypoint:
        figures["keypoints"] = {"AP": result.keypoint.after}
    return {"lineage": lineage, **figures}


def read(path: Path) -> ModelRecord | None:
    """Return what a checkpoint says of itself, without a look at its tensors; None when it is none of ours."""
    try:
        header = read_metadata(path)
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


def lineage(folder: Path) -> list[ModelRecord]:
    """Return the records of the checkpoints in a folder, the oldest first; other files are passed over."""
    found = [read(path) for path in sorted(folder.glob("*.safetensors"))]
    return sorted((r for r in found if r is not None), key=lambda r: (r.created, r.name))
