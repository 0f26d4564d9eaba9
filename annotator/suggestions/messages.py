"""What the model's thread sends to the window: which model it has, and what that sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from annotator.core.annotation import Annotation, Keypoint, Origin, Visibility
from dataset.geometry import from_parts, rectangle

if TYPE_CHECKING:
    from shapely import MultiPolygon

    from dataset.coco.categories import Category
    from model.inference.instance import Instance


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The model in use. `id` changes whenever its suggestions could; `weights` is what was asked for."""

    id: str
    name: str
    device: str
    categories: tuple[Category, ...]
    weights: str = ""


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What the model sees in a photo: every score from `POOL_SCORE`, category ids of the **model**.

    `milliseconds` is None where an earlier answer was found on disk.
    """

    name: str
    model_id: str
    pool: tuple[Annotation, ...]
    milliseconds: float | None


@dataclass(frozen=True, slots=True)
class BoxAnswer:
    """What the model sees in a box, with a category id of the **model**, or None and why, in a sentence.

    `number` is what `InferenceWorker.outline` returned.
    """

    number: int
    found: Annotation | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class PointAnswer:
    """The object that clicks mean, with a category id of the **model** if it has one; or None and why.

    `number` is what `InferenceWorker.find_object` returned; `text` is how it was found, or why not.
    """

    number: int
    shape: MultiPolygon | None
    category_id: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class FolderProgress:
    """How far the whole folder is. `remaining` and `elapsed` in seconds; `rate` in photos per second."""

    done: int
    total: int
    elapsed: float

    @property
    def rate(self) -> float:
        """Photos per second so far."""
        return self.done / self.elapsed if self.elapsed > 0 else 0.0

    @property
    def remaining(self) -> float:
        """Seconds still to go at this rate."""
        return (self.total - self.done) / self.rate if self.rate else 0.0


def to_suggestion(suggestion_id: int, instance: Instance) -> Annotation:
    """Return an instance of the model as a suggestion, with the category id of the model.

    One without a mask (a box detector's, or one whose mask is nowhere probable) is the outline of its box.
    """
    shape = from_parts(instance.polygons)
    keypoints = () if instance.keypoints is None else instance.keypoints.tolist()
    return Annotation(
        suggestion_id,
        instance.category_id,
        rectangle(*instance.box.tolist()) if shape.is_empty else shape,
        tuple(Keypoint(x, y, Visibility(round(v))) for x, y, v in keypoints),
        Origin.SUGGESTED,
        instance.score,
        is_box=shape.is_empty,
    )
