"""Knowledge distillation with hard labels against forgetting (Learning without Forgetting, Li and Hoiem, ECCV 2016).

The teacher's confident detections of classes that the project does not label become labels of the training photos, its
uncertain ones ignored regions. All the rest is background for those classes too: without negative examples a network
detects them everywhere after a few hundred steps.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import torch
from torchvision.ops import box_iou

from dataset.pictures.images import PhotoError, photo_size
from model.checkpoints import weights
from model.data.training_images import ObjectLabel, TrainingImage
from model.evaluation.keypoint_order import places, reordered
from model.finetuning.class_mapping import outputs_by_name, sized_photo
from model.inference.coco_results import annotation
from resources import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.checkpoints.checkpoint import Checkpoint
    from model.data.project_dataset import ProjectDataset
    from model.distributed import ProcessGroup
    from model.finetuning.class_mapping import ClassMapping
    from model.inference.predictor import Predictor

Box = tuple[float, float, float, float]
PSEUDO_LABEL_SCORE = 0.5
"""Score from which a detection of the teacher becomes a label."""
UNSURE_SCORE = 0.3
"""Score from which a detection becomes an ignored region."""
SAME_OBJECT_IOU = 0.4
"""IoU with a label from which a detection is the same object."""


def teacher_of(parent: Checkpoint, classes: ClassMapping) -> Checkpoint:
    """Return the model whose detections become labels: the builtin one where it has all kept classes, else the parent.

    Otherwise the losses of one run would be the labels of the next.
    """
    kept = {c.name.lower() for c in classes.categories[classes.own :]}
    if not kept:
        return parent
    builtin = weights.load("builtin")
    if parent.digest() == builtin.digest():
        return parent  # the same object: a predictor of it need not be made again
    return builtin if kept <= outputs_by_name(builtin).keys() else parent


def project_images(project: ProjectDataset, classes: ClassMapping) -> list[TrainingImage]:
    """Return the project's images with its own labels; kept classes are not labelled in them (`complete` is False)."""
    complete = tuple(i <= classes.own for i in range(len(classes.categories) + 1))
    kinds = len(classes.keypoints)
    labels = classes.labels
    photos = {
        i["id"]: TrainingImage(project.folder / i["file_name"], i["width"], i["height"], complete=complete)
        for i in project.data["images"]
    }
    for record in project.data["annotations"]:
        photo = photos[record["image_id"]]
        x, y, w, h = (float(v) for v in record["bbox"])
        box = (x, y, x + w, y + h)
        if record.get("iscrowd"):
            photo.crowds.append(box)
            continue
        points = tuple(float(v) for v in record.get("keypoints") or ())
        points = points if len(points) == 3 * kinds and any(v > 0 for v in points[2::3]) else ()
        photo.instances.append(ObjectLabel(labels[record["category_id"]], box, record.get("segmentation"), points))
    return list(photos.values())


def rehearsal_images(classes: ClassMapping) -> list[TrainingImage]:
    """Return the images that ship with the program, without labels, for rehearsal of the kept classes."""
    if len(classes.categories) == classes.own:
        return []
    complete = (True, *(False for _ in classes.categories))
    found = []
    for path in sorted(SAMPLES.glob("*.jpg")):
        with suppress(PhotoError):
            found.append(TrainingImage(path, *photo_size(path), complete=complete))
    return found


def add_pseudo_labels(
    photos: list[TrainingImage],
    predictor: Predictor,
    teacher: Checkpoint,
    classes: ClassMapping,
    *,
    team: ProcessGroup,
    check_cancelled: Callable[[], None],
) -> int:
    """Add the teacher's confident detections of the kept classes to the photos' labels; return how many.

    Args:
        photos: See `project_images`; they are changed.
        predictor: The teacher's, see `teacher_of`.
        teacher: Its checkpoint.
        classes: Of the new network.
        team: Processes that share the photos out.
        check_cancelled: Called before every photo; what it raises ends the work.
    """
    outputs = outputs_by_name(teacher)
    label_of = {
        teacher.categories[outputs[c.name.lower()] - 1].id: i
        for i, c in enumerate(classes.categories, 1)
        if i > classes.own
    }
    if not label_of:
        return 0
    order_of = {
        category.id: places(category.keypoint_names, classes.keypoints)
        for category in teacher.categories
        if category.id in label_of and classes.categories[label_of[category.id] - 1].keypoint_names
    }
    mine: list[tuple[int, list[ObjectLabel], list[Box]]] = []
    for index in team.shard(range(len(photos))):
        check_cancelled()
        photo = photos[index]
        try:
            image = sized_photo(photo.path, (photo.width, photo.height))
        except PhotoError:
            continue
        predictor.set_image(image.pixels)
        found, unsure = [], []
        for instance in (i.enlarged(image.scale) for i in predictor.detect(UNSURE_SCORE)):
            label = label_of.get(instance.category_id)
            if label is None or _is_labelled(instance.box, photo):
                continue
            x1, y1, x2, y2 = (float(v) for v in instance.box)
            if instance.score < PSEUDO_LABEL_SCORE:
                unsure.append((x1, y1, x2, y2))
                continue
            record = annotation(instance, (photo.height, photo.width))
            # Of another skeleton they would teach the project's keypoints the places of others.
            points = tuple(reordered(record, order_of.get(instance.category_id)).get("keypoints", ()))
            found.append(ObjectLabel(label, (x1, y1, x2, y2), record["segmentation"] or None, points))
        mine.append((index, found, unsure))
    everything = [seen for part in team.all_gather(mine) for seen in part]
    for index, found, unsure in everything:
        photo = photos[index]
        photo.instances.extend(found)
        photo.crowds.extend(unsure)
        photo.complete = tuple(known or i > classes.own for i, known in enumerate(photo.complete))
    return sum(len(found) for _, found, _ in everything)


def _is_labelled(box: np.ndarray, photo: TrainingImage) -> bool:
    """Return whether a label of the photo overlaps a box (xyxy)."""
    known = [i.box for i in photo.instances] + photo.crowds
    if not known:
        return False
    overlap = box_iou(torch.from_numpy(np.asarray(box, np.float32))[None], torch.tensor(known, dtype=torch.float32))
    return bool(overlap.max() > SAME_OBJECT_IOU)
