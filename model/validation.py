"""Measures a network while it is trained, on a COCO file that is looked at before the first step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model.dataset import DataError, Source, opens, read_coco
from model.evaluate import align, evaluate
from model.predict import Predictor
from model.records import sound_mask

if TYPE_CHECKING:
    from pathlib import Path

    from model.checkpoint import Checkpoint


class Validation:
    """A COCO file that measures checkpoints: called with one, it returns the figures by kind and name."""

    def __init__(self, annotations: Path, images: Path | None, device: str, start: Checkpoint) -> None:
        """Check the file: the end of an epoch is too late to complain.

        Args:
            annotations: The file.
            images: Folder of its photos; None looks beside it (see `model.dataset.Source`).
            device: Where to measure: auto, cpu or cuda.
            start: What training begins with.

        Raises:
            DataError: The file cannot be used for models of this kind.
        """
        self.annotations, self.images, self.device = annotations, images, device
        data = read_coco(annotations)
        folder = Source(annotations, images).folder()
        try:
            aligned = align(data, Predictor(start, device))
            if not any(opens(folder / image["file_name"]) for image in data["images"]):
                raise DataError(f"None of the photos of {annotations} can be read: is {folder} their folder?")
            sizes = {image["id"]: (int(image["width"]), int(image["height"])) for image in data["images"]}
            self._check(aligned["annotations"], sizes, masks=start.config.mask_head != "none")
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise DataError(f"{annotations} is not a proper COCO file: {error!r}.") from None

    def _check(self, records: list[dict[str, Any]], sizes: dict[int, tuple[int, int]], *, masks: bool) -> None:
        for record in records:
            if record["image_id"] not in sizes:
                continue
            needed = [float(v) for v in record["bbox"]] + [float(record["area"])]
            shape = record.get("segmentation")
            if len(needed) != 5 or (masks and not sound_mask(shape, *sizes[record["image_id"]])):
                wrong = f"an annotation of photo {record['image_id']!r} has no usable box or mask"
                raise DataError(f"{self.annotations} cannot measure a model: {wrong}.")

    def __call__(self, found: Checkpoint) -> dict[str, Any]:
        """Return a checkpoint's figures.

        Raises:
            DataError: The file, or its photos, can no longer be read.
        """
        return evaluate(Predictor(found, self.device), self.annotations, self.images).overall
