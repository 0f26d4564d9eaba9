"""Measures models on the photos that do not train, while a round goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from model import rle
from model.adapt import known_outputs
from model.compare import Match, match, precision
from model.evaluate import predict
from model.predict import Predictor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from model.adapt import Classes
    from model.checkpoint import Checkpoint
    from model.predict import Instance
    from model.team import Team

LEAST_SCORE = 0.05
"""Detections below are left out."""
PREVIEW_PHOTOS, PREVIEW_SCORE, PREVIEW_SHAPES = 6, 0.3, 60
SURE_SCORE = 0.7
"""Score from which the parent's detections of classes without labels stand for the truth."""
LEAST_SURE = 3
"""With fewer of them nothing is said about forgetting."""

Results = list[dict[str, Any]]
"""COCO's result records."""
Shapes = list[dict[str, Any]]
"""What a preview shows of a photo: category, score, polygons."""


@dataclass(frozen=True)
class Figures:
    """How good a model is."""

    matches: dict[str, list[Match]]
    """By kind: box, mask, keypoints."""
    photos: int

    def ap(self, kind: str) -> float | None:
        """Return the average precision of a kind, or None where there is nothing to measure."""
        value = precision(self.matches.get(kind, []), np.ones(self.photos))
        return None if value < 0 else value

    def score(self) -> float:
        """Return the one number by which models of a round are ranked: masks, with keypoints where there are any."""
        main = self.ap("mask")
        main = (self.ap("box") or 0.0) if main is None else main
        points = self.ap("keypoints")
        return main if points is None else (main + points) / 2


class Examiner:
    """Asks models for what they see in some photos."""

    def __init__(self, folder: Path, classes: Classes, device: str, team: Team, tick: Callable[[], None]) -> None:
        """Remember what is common to all examinations; `tick` is called after every photo and may raise."""
        self.folder, self.classes, self.device, self.team, self.tick = folder, classes, device, team, tick
        self.shapes: dict[int, Shapes] = {}
        """What the last model found, by image, for a preview."""

    def ids_of(self, checkpoint: Checkpoint) -> dict[int, int]:
        """Return for a checkpoint's category ids those of the round's classes of the same name."""
        outputs = known_outputs(checkpoint)
        names = {c.name.lower(): c.id for c in self.classes.categories}
        return {checkpoint.categories[o - 1].id: names[n] for n, o in outputs.items() if n in names}

    def ask(self, checkpoint: Checkpoint, data: dict[str, Any]) -> Results:
        """Return what a model finds in the images of a COCO file's contents, in the round's categories."""
        names = {c.id: c.name for c in self.classes.categories}
        self.shapes = {}

        def watch(image: int, found: list[Instance]) -> None:
            if len(self.shapes) < PREVIEW_PHOTOS:
                self.shapes[image] = [_shape(i, names) for i in found if i.score >= PREVIEW_SCORE][:PREVIEW_SHAPES]
            self.tick()

        ids = self.ids_of(checkpoint)
        predictor = Predictor(checkpoint, self.device)
        return predict(predictor, data, self.folder, score=LEAST_SCORE, team=self.team, ids=ids, watch=watch)[0]

    def figures(self, results: Results, data: dict[str, Any]) -> Figures:
        """Return how well results meet the truth, in the project's own categories."""
        kinds = ["box", "mask", "keypoints"]
        own = {c.id for c in self.classes.categories[: self.classes.own]}
        mine = [r for r in results if r["category_id"] in own]
        if not any(c.get("keypoints") for c in data["categories"]) or not self.classes.keypoints:
            kinds.remove("keypoints")
        return Figures({kind: match(data, mine, kind) for kind in kinds}, len(data["images"]))

    def forgotten(self, before: Results, after: Results) -> dict[str, list[float]]:
        """Return for the kept classes without labels the share of the parent's sure detections that each model finds.

        The parent finds all of them, so the first number is 1.
        """
        shares: dict[str, list[float]] = {}
        for category in self.classes.categories[self.classes.own :]:
            sure = [
                r
                for r in before
                if r["category_id"] == category.id and r["score"] >= SURE_SCORE and "segmentation" in r
            ]
            if len(sure) < LEAST_SURE:
                continue
            found = 0
            for record in sure:
                same = [r["segmentation"] for r in after if _alike(r, record)]
                found += bool(same) and float(rle.iou(same, [record["segmentation"]], [False]).max()) >= 0.5
            shares[category.name] = [1.0, round(found / len(sure), 3)]
        return shares


def _alike(found: dict[str, Any], record: dict[str, Any]) -> bool:
    same = found["image_id"] == record["image_id"] and found["category_id"] == record["category_id"]
    return same and found["score"] >= PREVIEW_SCORE and "segmentation" in found


def _shape(instance: Instance, names: dict[int, str]) -> dict[str, Any]:
    polygons = [np.round(part[0].astype(float), 1).tolist() for part in instance.polygons]
    return {"category": names[instance.category_id], "score": round(instance.score, 3), "polygons": polygons}
