"""The metrics in the header of a fine-tuned checkpoint: parent, images, options, metrics of the run and date.

`model.checkpoints.lineage` reads them.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import to_builtins

from model.checkpoints.lineage import photo_id, trained_on

if TYPE_CHECKING:
    from model.data.project_dataset import ProjectDataset
    from model.finetuning.hyperparameters import Hyperparameters
    from model.finetuning.prepare import FineTuneSetup
    from model.protocol import Result


def digests(project: ProjectDataset) -> dict[str, str]:
    """Return for each photo a digest of its annotations: another one when they are edited."""
    records: dict[int, list[str]] = {image["id"]: [] for image in project.data["images"]}
    for annotation in project.data["annotations"]:
        kept = {k: annotation.get(k) for k in ("category_id", "bbox", "segmentation", "keypoints", "iscrowd")}
        records[annotation["image_id"]].append(json.dumps(kept, sort_keys=True, default=str))
    return {
        image["file_name"]: blake2b("\n".join(sorted(records[image["id"]])).encode(), digest_size=8).hexdigest()
        for image in project.data["images"]
    }


def header(setup: FineTuneSetup, settings: Hyperparameters, result: Result) -> dict[str, Any]:
    """Return the `metrics` of a new checkpoint."""
    job = setup.job
    own = "builtin" if setup.parent is not setup.baseline else job.parent  # see `model.finetuning.prepare.begin_at`
    parent = own if own in ("builtin", "coco") else setup.parent.digest()
    learned = {photo_id(setup.project.fingerprints[i].digest) for i in setup.split.train}
    lineage = {
        "name": job.output.stem,
        "parent": parent,
        "parent_name": parent if parent == own else Path(own).stem,
        "rival": Path(job.parent).stem,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "annotations": digests(setup.project),
        "trained_on": sorted(learned | trained_on(setup.parent.metrics)),
        "settings": {**settings.record(), "forget": job.options.forget, "seed": job.options.seed},
        "split": {"train": len(setup.split.train), "val": len(setup.split.val), "folds": len(setup.split.folds)},
        "result": {k: v for k, v in to_builtins(result).items() if k != "event"},
    }
    metrics: dict[str, Any] = {"mask": {"AP": result.after}} if result.after is not None else {}
    if result.keypoint:
        metrics["keypoints"] = {"AP": result.keypoint.after}
    return {"lineage": lineage, **metrics}
