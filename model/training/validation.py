"""Validation of a network in training on a COCO file, which is checked before the first step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataset.coco.reader import Source, opens, unusable_photos
from model.evaluation.evaluate import align, evaluate
from model.evaluation.ground_truth import read_ground_truth
from model.inference.predictor import Predictor

if TYPE_CHECKING:
    from pathlib import Path

    from model.checkpoints.checkpoint import Checkpoint


class CocoValidation:
    """Metrics of checkpoints on a COCO file, by kind and name."""

    def __init__(self, annotations: Path, images: Path | None, device: str, start: Checkpoint) -> None:
        """Check the file: the end of an epoch is too late for an error.

        Args:
            annotations: The file.
            images: Folder of its photos; None looks beside it (see `dataset.coco.reader.Source`).
            device: Where to measure: auto, cpu or cuda.
            start: The checkpoint that training starts from.

        Raises:
            DataError: The file cannot be used for models of this kind.
        """
        self.annotations, self.images, self.device = annotations, images, device
        self._reported = False
        folder = Source(annotations, images).folder()
        ground_truth, _ = read_ground_truth(annotations, folder)
        align(ground_truth, Predictor(start, device), annotations)
        if not any(opens(folder / image["file_name"]) for image in ground_truth["images"]):
            raise unusable_photos(annotations, folder, [])

    def __call__(self, checkpoint: Checkpoint) -> dict[str, Any]:
        """Return a checkpoint's metrics.

        Raises:
            DataError: The file, or its photos, can no longer be read.
        """
        scores = evaluate(Predictor(checkpoint, self.device), self.annotations, self.images, quiet=self._reported)
        self._reported = True
        return scores.overall
