"""Validation during a fine-tuning run: detections of checkpoints and their metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dataset import rle
from model.evaluation.evaluate import predict
from model.evaluation.keypoint_order import places, reordered
from model.evaluation.paired_bootstrap import Matches, match_detections, precision
from model.finetuning.class_mapping import outputs_by_name
from model.inference.predictor import Predictor
from model.protocol import Shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from model.checkpoints.checkpoint import Checkpoint
    from model.data.unreadable_images import UnreadableImages
    from model.distributed import ProcessGroup
    from model.finetuning.class_mapping import ClassMapping
    from model.inference.instance import Instance
    from model.inference.segmenter import Segmenter

MIN_SCORE = 0.05
"""Detections below are left out."""
PREVIEW_PHOTOS, PREVIEW_SCORE, PREVIEW_SHAPES = 6, 0.3, 60
CONFIDENT_SCORE = 0.7
"""Score of a confident detection of a class without labels."""
MIN_CONFIDENT = 6
"""With fewer confident detections no agreement is reported."""

Results = list[dict[str, Any]]
"""COCO's result records."""
Shapes = list[Shown]
"""Detections of a photo that a preview shows."""


@dataclass(frozen=True)
class Metrics:
    """Matches of a model's detections with the ground truth."""

    matches: dict[str, list[Matches]]
    """By kind: box, mask, keypoints."""
    photos: int

    def ap(self, kind: str) -> float | None:
        """Return the average precision of a kind, or None where there is nothing to measure."""
        value = precision(self.matches.get(kind, []), np.ones(self.photos))
        return None if value < 0 else value

    def score(self) -> float:
        """Return the AP by which checkpoints are ranked: of masks, averaged with that of keypoints if there is one."""
        main = self.ap("mask")
        main = (self.ap("box") or 0.0) if main is None else main
        points = self.ap("keypoints")
        return main if points is None else (main + points) / 2


class Validator:
    """Detections and metrics of checkpoints in the validation photos."""

    def __init__(
        self,
        folder: Path,
        classes: ClassMapping,
        device: str,
        *,
        team: ProcessGroup,
        check_cancelled: Callable[[], None],
        missing: UnreadableImages,
    ) -> None:
        """Keep what all validations share; `check_cancelled` is called after every photo and may raise."""
        self.folder, self.classes, self.device, self.team = folder, classes, device, team
        self.check_cancelled, self.missing = check_cancelled, missing
        self.unread: set[int] = set()
        """Ids of images that could not be read in one of the validations: they count in none."""
        self.shapes: dict[int, Shapes] = {}
        """Detections of the last model, by image id, for previews."""

    def ids_of(self, checkpoint: Checkpoint) -> dict[int, int]:
        """Return for a checkpoint's category ids those of the run's classes of the same name."""
        outputs = outputs_by_name(checkpoint)
        names = {c.name.lower(): c.id for c in self.classes.categories}
        return {checkpoint.categories[o - 1].id: names[n] for n, o in outputs.items() if n in names}

    def predict(self, checkpoint: Checkpoint, data: dict[str, Any], predictor: Segmenter | None = None) -> Results:
        """Return a model's detections in the images of a COCO file's contents, in the run's categories and keypoints.

        A model that lacks one of the run's keypoints has none. `predictor` is one that has the checkpoint's weights
        already; otherwise one is made.
        """
        names = {c.id: c.name for c in self.classes.categories}
        self.shapes = {}

        def on_image(image: int, found: list[Instance]) -> None:
            if len(self.shapes) < PREVIEW_PHOTOS:
                self.shapes[image] = [_shape(i, names) for i in found if i.score >= PREVIEW_SCORE][:PREVIEW_SHAPES]
            self.check_cancelled()

        ids = self.ids_of(checkpoint)
        predictor = predictor or Predictor(checkpoint, self.device)
        found, done = predict(
            predictor,
            data,
            self.folder,
            score=MIN_SCORE,
            group=self.team,
            ids=ids,
            on_image=on_image,
            missing=self.missing,
        )
        self.unread |= {image["id"] for image in data["images"]} - set(done)
        points = next((c.keypoint_names for c in checkpoint.categories if c.keypoint_names), ())
        if self.classes.keypoints and points != self.classes.keypoints:
            order = places(points, self.classes.keypoints)
            return [reordered(record, order) for record in found]
        return found

    def present(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return the part of a COCO file's contents whose images could be read in all validations."""
        images = [image for image in data["images"] if image["id"] not in self.unread]
        annotations = [a for a in data["annotations"] if a["image_id"] not in self.unread]
        return {**data, "images": images, "annotations": annotations}

    def metrics(self, results: Results, data: dict[str, Any]) -> Metrics:
        """Return the metrics of results against the ground truth that is `present`, in the project's own categories."""
        data = self.present(data)
        kinds = ["box", "mask", "keypoints"]
        own = {c.id for c in self.classes.categories[: self.classes.own]}
        mine = [r for r in results if r["category_id"] in own and r["image_id"] not in self.unread]
        if not any(c.get("keypoints") for c in data["categories"]) or not self.classes.keypoints:
            kinds.remove("keypoints")
        return Metrics({kind: match_detections(data, mine, kind) for kind in kinds}, len(data["images"]))

    def agreement(self, before: Results, after: Results) -> dict[str, float]:
        """Return by kept class, which has no labels, the agreement of two models.

        It is the share of the confident detections of either model that the other one has too: low for a model that no
        longer finds persons, and for one that finds persons everywhere.
        """
        shares: dict[str, float] = {}
        for category in self.classes.categories[self.classes.own :]:
            old, new = (
                [r for r in results if r["category_id"] == category.id and "segmentation" in r]
                for results in (before, after)
            )
            met = [_met(r, new) for r in old if r["score"] >= CONFIDENT_SCORE]
            met += [_met(r, old) for r in new if r["score"] >= CONFIDENT_SCORE]
            if len(met) >= MIN_CONFIDENT:
                shares[category.name] = round(sum(met) / len(met), 3)
        return shares


def _met(record: dict[str, Any], others: Results) -> bool:
    """Return whether one of the others is the same object."""
    same = [r["segmentation"] for r in others if r["image_id"] == record["image_id"] and r["score"] >= PREVIEW_SCORE]
    return bool(same) and float(rle.iou(same, [record["segmentation"]], [False]).max()) >= 0.5


def _shape(instance: Instance, names: dict[int, str]) -> Shown:
    polygons = [np.round(part[0].astype(float), 1).tolist() for part in instance.polygons]
    return Shown(names[instance.category_id], round(instance.score, 3), polygons)
