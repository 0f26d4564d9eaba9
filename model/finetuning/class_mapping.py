"""Mapping of a project's classes to a parent's outputs: by name, or by similarity for new classes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dataset.pictures.images import PhotoError, read_reduced
from model.checkpoints.head_transfer import class_layers, mask_layers
from model.config import UNUSED
from model.network.build import build

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from dataset.coco.categories import Category
    from dataset.pictures.images import ReducedPhoto
    from model.checkpoints.checkpoint import Checkpoint
    from model.data.project_dataset import ProjectDataset
    from model.inference.predictor import Predictor
    from model.network.mask_rcnn import MaskRCNN

MIN_SIMILARITY = 0.05
"""Mean probability from which a class of the parent initializes a new one; below, the mean of all classes does."""
MAX_PHOTOS, MAX_BOXES = 12, 20
"""Photos, and boxes in each, that the parent classifies to find the class most similar to a new one."""
KEYPOINT_OUTPUT = "roi_heads.keypoint_predictor."
"""Weights of the keypoints' outputs: the kinds are the second dimension of the weight, the first of the bias."""


@dataclass(frozen=True)
class ClassMapping:
    """Classes of a network, and the parent's output that initializes each."""

    categories: tuple[Category, ...]
    """In the order of the outputs: the project's, then those of the parent that are kept."""
    own: int
    """How many of them are the project's."""
    sources: tuple[int | None, ...]
    """For each, the output (from 1) of the parent that initializes it, or None for the mean of all."""
    new: tuple[str, ...]
    """Names of those that the parent lacks."""

    @property
    def labels(self) -> dict[int, int]:
        """The output, from 1, of the project's category ids."""
        return {c.id: i for i, c in enumerate(self.categories[: self.own], 1)}

    @property
    def keypoints(self) -> tuple[str, ...]:
        """Names of the network's keypoints."""
        return next((c.keypoint_names for c in self.categories if c.keypoint_names), ())


def outputs_by_name(parent: Checkpoint) -> dict[str, int]:
    """Return the parent's outputs, from 1, by lower-case name."""
    return {c.name.lower(): i for i, c in reversed(list(enumerate(parent.categories, 1))) if c.name != UNUSED}


def map_classes(
    categories: tuple[Category, ...], parent: Checkpoint, similar: dict[int, int], *, kept: Sequence[Category]
) -> ClassMapping:
    """Return the classes of the network.

    Args:
        categories: The project's.
        parent: The checkpoint that training starts from.
        similar: The most similar output of the parent by id of a new category (see `most_similar_outputs`).
        kept: Classes of a model that stay, as far as the parent has them, beside the project's.
    """
    outputs = outputs_by_name(parent)
    sources = [outputs.get(c.name.lower(), similar.get(c.id)) for c in categories]
    new = tuple(c.name for c in categories if c.name.lower() not in outputs)
    joined = list(categories)
    points = next((c.keypoint_names for c in categories if c.keypoint_names), None)
    free = max(c.id for c in categories)
    others = {c.name.lower() for c in kept} - {c.name.lower() for c in categories}
    for name, output in sorted(outputs.items(), key=lambda item: item[1]):
        if name in others:
            free += 1
            other = replace(parent.categories[output - 1], id=free)
            if points is not None and other.keypoint_names != points:
                other = replace(other, keypoint_names=(), skeleton=())  # one network has one kind of skeleton
            joined.append(other)
            sources.append(output)
    return ClassMapping(tuple(joined), len(categories), tuple(sources), new)


def most_similar_outputs(
    project: ProjectDataset,
    chosen: list[int],
    predictor: Predictor,
    parent: Checkpoint,
    check_cancelled: Callable[[], None],
) -> dict[int, int]:
    """Return for each category that the parent lacks its output with the highest mean probability on the objects.

    Args:
        project: The labels.
        chosen: Photos, by index, that may be used.
        predictor: The parent's.
        parent: Its checkpoint.
        check_cancelled: Called before every photo; may raise.
    """
    outputs = outputs_by_name(parent)
    place = {c.id: i for i, c in enumerate(predictor.categories)}
    output_of = [next(o for o, c in enumerate(parent.categories, 1) if c.id == k) for k in place]
    unknown = {c.id for c in project.categories if c.name.lower() not in outputs}
    sums: dict[int, Any] = {}
    numbers: dict[int, int] = {}
    data = project.part(chosen)
    images = [i for i in data["images"] if any(a["category_id"] in unknown for a in _of(data, i["id"]))]
    for image in images[:MAX_PHOTOS]:
        check_cancelled()
        records = [a for a in _of(data, image["id"]) if a["category_id"] in unknown][:MAX_BOXES]
        try:
            photo = sized_photo(project.folder / image["file_name"], (image["width"], image["height"]))
        except PhotoError:
            continue
        predictor.set_image(photo.pixels)
        boxes = np.array([r["bbox"] for r in records], np.float32)
        boxes[:, 2:] += boxes[:, :2]
        rows = predictor.classify_boxes(boxes / np.tile(np.array(photo.scale, np.float32), 2))
        for record, row in zip(records, rows, strict=True):
            key = record["category_id"]
            sums[key] = sums.get(key, 0) + row
            numbers[key] = numbers.get(key, 0) + 1
    means = {key: total / numbers[key] for key, total in sums.items()}
    return {key: output_of[int(mean.argmax())] for key, mean in means.items() if mean.max() >= MIN_SIMILARITY}


def _of(data: dict[str, Any], image: int) -> list[dict[str, Any]]:
    return [a for a in data["annotations"] if a["image_id"] == image and not a.get("iscrowd")]


def sized_photo(path: Path, size: tuple[int, int]) -> ReducedPhoto:
    """Return the photo as a model is given it, with the size (width, height) of its labels, whatever the file has.

    Raises:
        dataset.pictures.images.PhotoError: It cannot be read.
    """
    return replace(read_reduced(path), size=size)


def build_for_classes(parent: Checkpoint, classes: ClassMapping, **changes: Any) -> MaskRCNN:  # noqa: ANN401 - fields of the config
    """Return the parent's network with outputs for the classes; `changes` are other fields of its config."""
    points = classes.keypoints
    config = replace(parent.config, classes=len(classes.categories), keypoints=len(points), score_shifts=(), **changes)
    network = build(config)
    own = network.state_dict()
    for name, value in parent.state.items():
        if name not in own:
            continue
        if name.startswith(class_layers(parent.config)):
            rows = value.float().unflatten(0, (parent.config.classes + 1, -1))
            used = [i for i, c in enumerate(parent.categories, 1) if c.name != UNUSED]
            sources: list[int | None] = list(classes.sources)
            if name.startswith(mask_layers(parent.config)) and parent.config.draws_anything:
                # The class-agnostic mask: a better start for a new class than the masks of another class.
                sources = [0 if c.name in classes.new else s for c, s in zip(classes.categories, sources, strict=True)]
            picked = [rows[used].mean(0) if s is None else rows[s] for s in sources]
            own[name].copy_(torch.stack([rows[0], *picked]).flatten(0, 1))
        elif name.startswith(KEYPOINT_OUTPUT):
            own[name].copy_(_keypoint_rows(name, value.float(), parent, points))
        elif own[name].shape == value.shape:
            own[name].copy_(value)
    return network


def _keypoint_rows(name: str, value: torch.Tensor, parent: Checkpoint, points: tuple[str, ...]) -> torch.Tensor:
    """Return the keypoints' outputs in another order; one that the parent lacks starts from their mean."""
    old = next((c.keypoint_names for c in parent.categories if c.keypoint_names), ())
    kinds = 1 if name.endswith("weight") else 0
    rows = value.unbind(kinds)
    mean = torch.stack(rows).mean(0)
    return torch.stack([rows[old.index(p)] if p in old else mean for p in points], kinds)
