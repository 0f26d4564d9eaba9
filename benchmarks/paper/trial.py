"""One training run of an ablation, and what it is measured by."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torchvision import models

from benchmarks.paper.certainty import matches
from benchmarks.paper.page import PROMPT
from benchmarks.paper.tables import KINDS, Variant
from dataset.coco.reader import Source, load_coco
from model.checkpoints.checkpoint import write_state
from model.checkpoints.head_transfer import load_backbone
from model.config_values import non_defaults
from model.data.augmentation import MaskCache
from model.data.batching import samples_of
from model.data.training_images import TrainingImage, classes_of, read_photos
from model.distributed import ProcessGroup
from model.evaluation.coco_eval import average_precision, coco_ground_truth
from model.evaluation.evaluate import align, box_overlaps, predict
from model.evaluation.ground_truth import read_ground_truth
from model.inference.predictor import Predictor
from model.network.build import build
from model.network.mask_rcnn import MaskRCNN
from model.training.periodic_save import PeriodicSave
from model.training.trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from dataset.coco.categories import Category
    from model.config import ModelConfig, TrainConfig
    from model.network.targets import Target

BASE_SEED = 1000
"""Of the common start: another one than any of the runs has."""
METHOD = 3
"""Goes up when the same settings come to mean another run: what was kept of the earlier ones no longer counts."""
SAVE_SECONDS = 600.0
"""From one state of a run on disk to the next."""
MIN_SCORE = 0.05
"""Detections below are not measured."""


@dataclass(frozen=True)
class DataSet:
    """Where a kind of data lies."""

    train: Source
    val: Source
    by_supercategory: bool = False
    held_out: int = 0
    """Of so many photos of `train`, one is measured on rather than learned from; 0 for none."""

    def names_held_out(self, images: list[dict[str, Any]]) -> frozenset[str]:
        """Return which photos of `train` are not learned from, of its `images`."""
        if not self.held_out:
            return frozenset()
        return frozenset(image["file_name"] for image in images[self.held_out - 1 :: self.held_out])


@dataclass(frozen=True)
class Setup:
    """What all runs have in common."""

    data: dict[str, DataSet]
    """By `benchmarks.paper.tables.Data`."""
    model: ModelConfig
    training: TrainConfig
    c4_box_batch: int
    """Regions a photo in the box loss with C4 (paper, sec. 3.1: an eighth of what it takes with a pyramid)."""
    steps: int
    """Of a run, where its kind does not take more; a step is `training.batch` photos."""
    base_steps: int
    """Of the common start, trained for the proposals only; 0 to start from ImageNet."""
    backbone: Path | None
    """Weights of the backbone under torchvision's names; None takes ImageNet's from torchvision."""
    folder: Path
    """Where common starts are kept."""
    device: str
    threads: int
    full: bool

    def data_of(self, variant: Variant) -> str:
        """Return the name of the data that a variant learns from."""
        kind = KINDS[variant.kind]
        return kind.full_data if self.full else kind.data

    def config_of(self, variant: Variant, categories: list[Category]) -> ModelConfig:
        """Return a variant's network."""
        kind = KINDS[variant.kind]
        changes = kind.changes | ({} if self.full else kind.reduced_changes)
        fewest = min(self.model.rpn_post_nms, changes.get("rpn_post_nms", self.model.rpn_post_nms))
        own: dict[str, Any] = {"backbone": variant.backbone, "classes": len(categories), **changes}
        return replace(self.model, **own | {"rpn_post_nms": fewest})

    def training_of(self, variant: Variant, seed: int) -> TrainConfig:
        """Return how a variant is trained."""
        kind = KINDS[variant.kind]
        box_batch = self.c4_box_batch if kind.changes.get("features") == "c4" else self.training.box_batch
        return replace(self.training, seed=seed, box_batch=box_batch, **({} if self.full else kind.reduced_training))

    def steps_of(self, variant: Variant) -> int:
        """Return for how long a variant is trained."""
        return self.steps * (1 if self.full else KINDS[variant.kind].times)

    def fingerprint(self, variant: Variant) -> str:
        """Return what changes when a run's result would."""
        kind, data = KINDS[variant.kind], self.data[self.data_of(variant)]
        parts: list[Any] = [
            METHOD,
            str(variant),
            kind.changes,
            *self._settings(),
            self.c4_box_batch,
            self.steps_of(variant),
            data.held_out,
        ]
        parts += [data.train.annotations.name, data.val.annotations.name]
        if not self.full:
            parts += [changes for changes in (kind.reduced_changes, kind.reduced_training) if changes]
        return blake2b(json.dumps(parts).encode(), digest_size=6).hexdigest()

    def base_name(self, variant: Variant) -> str:
        """Return the file of the start that a variant shares with others; the name follows from all it depends on."""
        features = KINDS[variant.kind].changes.get("features", "fpn")
        digest = blake2b(json.dumps(self._settings()).encode(), digest_size=4).hexdigest()
        return f"base-{variant.backbone}-{features}-{self.data_of(variant)}-{digest}.safetensors"

    def _settings(self) -> list[Any]:
        """Return what was set otherwise than by default, so that a setting yet to come changes nothing."""
        return [non_defaults(self.model), non_defaults(self.training), self.base_steps]


class FixedSteps(Trainer):
    """A run that ends after a number of steps, however many photos there are."""

    steps = 1

    def share(self) -> float:
        """Return the share 0..1 of the training that is over."""
        return self.progress.step / self.steps

    def save(self) -> None:
        """Write the state that a resumed run needs, and nothing else."""
        write_state(self.state_file, self.state())

    def learn(self, steps: int) -> None:
        """Take so many steps, from where a killed process saved its state last."""
        self.steps = steps
        self.resume()
        save = PeriodicSave(self.save, SAVE_SECONDS)
        self.fit(self.batches, lambda *_: None, done=lambda: self.progress.step >= self.steps, save=save)
        self.state_file.unlink(missing_ok=True)


class ProposalsOnly(MaskRCNN):
    """A network that learns to propose regions: nothing of what the variants differ in has a part in that."""

    def forward(
        self,
        images: Tensor | dict[str, Tensor],
        targets: list[Target],
        sampling: TrainConfig,
        mean_total: Callable[[int], float] = float,
    ) -> dict[str, Tensor]:
        """Return the losses of the proposals."""
        assert isinstance(images, torch.Tensor)
        features = self.backbone(images)
        with torch.no_grad():
            scored = self.rpn.score(features, (images.shape[2], images.shape[3]))
        return self.rpn.losses(features, scored, targets, sampling, lambda count: max(1.0, mean_total(count)))


@cache
def _photos(data: DataSet) -> tuple[list[Category], list[TrainingImage], MaskCache]:
    known = load_coco(data.train.annotations)
    categories = classes_of([(data.train.annotations, known)], by_supercategory=data.by_supercategory)
    held_out = data.names_held_out(known["images"])
    photos = read_photos([data.train], categories, by_supercategory=data.by_supercategory)
    return categories, [photo for photo in photos if photo.path.name not in held_out], MaskCache()


@cache
def _measured(data: DataSet) -> dict[str, Any]:
    """Return the photos to measure on, as `read_ground_truth` does."""
    found, _ = read_ground_truth(data.val.annotations, data.val.folder())
    if not data.held_out:
        return found
    more, _ = read_ground_truth(data.train.annotations, data.val.folder())
    held_out = data.names_held_out(load_coco(data.train.annotations)["images"])
    images = [image for image in more["images"] if image["file_name"] in held_out]
    ids = {image["id"] for image in images}
    assert ids.isdisjoint(image["id"] for image in found["images"]), "both files have photos of the same id"
    annotations = [*found["annotations"], *(a for a in more["annotations"] if a["image_id"] in ids)]
    numbered = [{**a, "id": number} for number, a in enumerate(annotations, 1)]
    return {**found, "images": [*found["images"], *images], "annotations": numbered}


def _trainer(setup: Setup, network: MaskRCNN, data: str, training: TrainConfig, output: Path) -> FixedSteps:
    categories, photos, masks = _photos(setup.data[data])
    if not network.config.keypoints:
        categories = [replace(c, keypoint_names=(), skeleton=()) for c in categories]
    device = torch.device(setup.device)
    trainer = FixedSteps(network, tuple(categories), samples_of(photos), training, output=output, device=device)
    trainer.masks = masks  # drawn once for all runs of this process
    return trainer


def backbone_file(setup: Setup, name: str) -> Path:
    """Return the ImageNet weights of a backbone, fetched by torchvision where none are given."""
    if setup.backbone is not None:
        return setup.backbone
    weights: Any = models.get_model_weights(name)
    weights.IMAGENET1K_V1.get_state_dict(progress=True)
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.IMAGENET1K_V1.url).name


def train_base(setup: Setup, variant: Variant) -> float:
    """Train the common start of a variant and keep it; return how many seconds that took."""
    start = time.monotonic()
    _prepare(setup, BASE_SEED)
    data = setup.data_of(variant)
    categories = _photos(setup.data[data])[0]
    config = replace(setup.config_of(variant, categories), mask_head="none", keypoints=0)
    network = build(config)
    load_backbone(network, backbone_file(setup, config.backbone))
    proposals = ProposalsOnly(config, network.backbone)
    training = replace(setup.training, seed=BASE_SEED)
    trainer = _trainer(setup, proposals, data, training, setup.folder / setup.base_name(variant))
    trainer.learn(setup.base_steps)
    state = trainer.checkpoint().state
    kept = {name: value.contiguous() for name, value in state.items() if name.startswith(("backbone.", "rpn."))}
    setup.folder.mkdir(parents=True, exist_ok=True)
    save_file(kept, setup.folder / setup.base_name(variant))
    return time.monotonic() - start


def run_trial(setup: Setup, variant: Variant, seed: int) -> dict[str, Any]:
    """Train a variant and measure it; return a JSON-ready record."""
    start, used = time.monotonic(), time.process_time()
    _prepare(setup, seed)
    data = setup.data_of(variant)
    categories = _photos(setup.data[data])[0]
    config = setup.config_of(variant, categories)
    network = build(config)
    load_backbone(network, backbone_file(setup, config.backbone))
    if setup.base_steps:
        network.load_state_dict(load_file(setup.folder / setup.base_name(variant)), strict=False)
    output = setup.folder / f"{setup.fingerprint(variant)}-{seed}.safetensors"
    trainer = _trainer(setup, network, data, setup.training_of(variant, seed), output)
    trainer.learn(setup.steps_of(variant))
    trained = time.process_time() - used
    predictor = Predictor(trainer.checkpoint(), setup.device)
    found = measure(predictor, setup.data[data])
    return {
        "variant": str(variant),
        "seed": seed,
        "fingerprint": setup.fingerprint(variant),
        **found,
        "train_cpu_seconds": trained,
        "cpu_seconds": time.process_time() - used,
        "seconds": time.monotonic() - start,
    }


def measure(predictor: Predictor, data: DataSet) -> dict[str, Any]:
    """Return a network's figures in points, which detection met which object, and the overlaps in true boxes.

    JSON-ready: `figures` by name, `matches` by kind (see `ScoredMatches`), `overlaps` (see `PhotoMeans`).
    """
    val = data.val
    known = align(_measured(data), predictor, val.annotations)
    group = ProcessGroup()
    results, done = predict(predictor, known, val.folder(), score=MIN_SCORE, group=group)
    true = coco_ground_truth(known)
    kinds = ["box"]
    kinds += ["mask"] if predictor.config.mask_head != "none" else []
    kinds += ["keypoints"] if predictor.config.keypoints else []
    found: dict[str, Any] = {"figures": {}, "matches": {}}
    for kind in kinds:
        overall, _ = average_precision(known, results, kind, done)
        found["figures"] |= {f"{kind} {name}": 100 * value for name, value in overall.items()}
        found["matches"][kind] = matches(true, results, kind, done).as_json()
    if "mask" in kinds:
        overlaps = box_overlaps(predictor, known, val, group, with_category=True)
        found["figures"][PROMPT] = 100 * float(np.mean([overlap for _, overlap in overlaps]))
        place = {photo: index for index, photo in enumerate(done)}
        where = [place[photo] for photo, _ in overlaps]
        total = np.bincount(where, [overlap for _, overlap in overlaps], len(done))
        count = np.bincount(where, minlength=len(done))
        found["overlaps"] = {"total": [round(t, 4) for t in total.tolist()], "count": count.tolist()}
    return found


def _prepare(setup: Setup, seed: int) -> None:
    torch.set_num_threads(setup.threads)
    torch.set_flush_denormal(True)  # numbers too small to matter make a CPU a hundred times slower
    torch.manual_seed(seed)
