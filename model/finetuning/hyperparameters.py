"""Hyperparameters of a fine-tuning run: those that are not given follow from the data."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from model.config import MODEL_LIMITS, TrainConfig
from model.data.batching import REHEARSAL

if TYPE_CHECKING:
    from model.config import ModelConfig
    from model.data.project_dataset import ProjectDataset
    from model.protocol import Augment, FineTuneOptions, Freeze

SIDE_STEP = 64
MIN_SIDE = 192
MAX_CROP_SIDE = 384
"""Short side, at most, of a training crop: the time of a step follows from it ..."""
MAX_SIDE = 768
"""... and that of a suggestion from the short side of the whole photo, which small objects raise to this at most."""
OBJECT_SIDE = 130.0
"""Pixels that the median object should have, along a side, in the network's input."""
JITTER = (0.4, 1.25)
"""Range of the scale of a training photo, relative to the crop and to the new model's short side."""
STEPS = 75
"""Steps of a run: about this many times the root of the number of training photos, so that more photos get more steps
but each fewer ..."""
MIN_EPOCHS, MAX_EPOCHS = 8, 100
"""... within these bounds."""
STEPS_OF_FEW, MAX_EPOCHS_OF_FEW = 220, 50
"""The same where several models are trained in turn, whatever the number of photos."""
PSEUDO_KEYPOINT_WEIGHT = 0.05
"""Weight of the keypoint loss where only pseudo-labels have keypoints: enough to keep them."""
PASTE = 0.5
"""Share of the photos of a step with objects of another one, where photos vary freely."""
RATE, BODY_RATE = 1e-3, 0.12
"""Learning rate, and the share of it for the body, whose weights come from many more photos."""


@dataclass(frozen=True)
class Hyperparameters:
    """Training configuration, augmentation, and changes of the network."""

    train: TrainConfig
    augment: Augment
    network: dict[str, Any]
    """Fields of the parent's config that change."""

    def smaller(self) -> Hyperparameters | None:
        """Return hyperparameters that need less memory, or None when nothing is left to reduce."""
        train = self.train
        if train.batch > 1:
            return replace(self, train=replace(train, batch=train.batch // 2))
        crop_side = train.scales[-1] - SIDE_STEP
        if crop_side < MIN_SIDE:
            return None
        scale = crop_side / train.scales[-1]
        network = {**self.network, **{name: round(self.network[name] * scale) for name in ("short_side", "long_side")}}
        return replace(self, train=replace(train, scales=(crop_side,), early_scales=(crop_side,)), network=network)

    def record(self) -> dict[str, Any]:
        """Return those that are reported and kept with the model, JSON-ready."""
        train = self.train
        return {
            "epochs": train.epochs,
            "learning_rate": train.learning_rate,
            "freeze": train.freeze,
            "short_side": self.network["short_side"],
            "batch": train.batch,
            "augment": self.augment,
        }


def choose_hyperparameters(
    options: FineTuneOptions, project: ProjectDataset, config: ModelConfig, photos: int, *, folds: int = 0
) -> Hyperparameters:
    """Return the hyperparameters of a run.

    Args:
        options: Those that were given; the rest follows from the data.
        project: The labels.
        config: The parent's network.
        photos: How many train.
        folds: Models that are trained on a part of them to measure, where they are so few: all share the time.
    """
    few = folds > 0
    side = options.short_side or short_side(project, config)
    crop_side = min(side, MAX_CROP_SIDE)
    objects = max_objects(project)
    freeze: Freeze = options.freeze or ("heads" if few else "none")
    augment = options.augment or ("full" if freeze == "none" else "light")
    batch = options.batch or 4
    per_epoch = max(1.0, photos * (1 if options.forget else 1 + REHEARSAL) / batch)
    steps, most = (STEPS_OF_FEW, MAX_EPOCHS_OF_FEW) if few else (STEPS * math.sqrt(photos), MAX_EPOCHS)
    epochs = options.epochs or min(most, max(MIN_EPOCHS, round(steps / per_epoch)))
    own_keypoints = any(c.keypoint_names for c in project.categories)
    train = TrainConfig(
        epochs=epochs,
        minutes=options.minutes / (folds + 1),
        batch=batch,
        learning_rate=options.learning_rate or RATE,
        body_rate=BODY_RATE,
        warmup=20,
        scales=(crop_side,),
        early_scales=(crop_side,),
        freeze=freeze,
        paste=PASTE if augment == "full" else 0.0,
        jitter=(JITTER[0], JITTER[1] * side / crop_side),
        keypoint_weight=TrainConfig.keypoint_weight if own_keypoints else PSEUDO_KEYPOINT_WEIGHT,
        seed=options.seed,
        workers=options.workers,
        box_batch=128 if objects <= 100 else 256,
        mask_batch=24 if objects <= 100 else 48,
        rpn_post_nms=500 if objects <= 100 else 1000,
    )
    least, greatest = MODEL_LIMITS["long_side"]
    long_side = min(int(greatest), max(int(least), round(config.long_side * side / config.short_side)))
    network: dict[str, Any] = {"short_side": side, "long_side": long_side}
    if objects > config.detections // 2:
        network["detections"] = max(config.detections, min(1000, 2 * objects))
        network["rpn_post_nms"] = max(config.rpn_post_nms, min(2000, 4 * objects))
        network["rpn_pre_nms"] = max(config.rpn_pre_nms, min(2000, 4 * objects))
    return Hyperparameters(train, augment, network)


def max_objects(project: ProjectDataset) -> int:
    """Return how many objects the fullest photo has."""
    numbers: dict[int, int] = {}
    for record in project.data["annotations"]:
        numbers[record["image_id"]] = numbers.get(record["image_id"], 0) + 1
    return max(numbers.values(), default=0)


def short_side(project: ProjectDataset, config: ModelConfig) -> int:
    """Return the short side at which the median object has OBJECT_SIDE pixels, at least the parent's."""
    shorter = {i["id"]: min(i["width"], i["height"]) for i in project.data["images"]}
    shares = [float(np.sqrt(a["bbox"][2] * a["bbox"][3])) / shorter[a["image_id"]] for a in project.data["annotations"]]
    wanted = min(MAX_SIDE, OBJECT_SIDE / max(1e-3, float(np.median(shares))))
    return max(config.short_side, round(wanted / SIDE_STEP) * SIDE_STEP)
