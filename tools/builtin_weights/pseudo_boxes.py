"""Boxes of the classes that a COCO file does not label, found by NanoDet-g: pseudo labels for the builtin model.

    python -m tools.builtin_weights.pseudo_boxes nanodet.json all80.json persons.json --output boxes.json

What NanoDet is sure of becomes an annotation without a mask (`tools.builtin_weights.sam` makes one); what it is neither
sure nor free of becomes a crowd, which enters no loss; the rest of the photo is background. On the 100 photos of
`coco_all/val`, of boxes that are no persons, three in four with a score from 0.45 on are right, one in eight from 0.2
to 0.45, and one in fifty below.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torchvision.ops import batched_nms, box_iou
from tqdm import tqdm

from dataset.atomic_files import write_bytes
from dataset.coco.reader import DataError, Source, load_coco, read_image
from dataset.pictures.images import PhotoError
from model.console import print_message
from model.inference.preprocess import resize_and_pad
from model.network.backbone import STRIDES, Pyramid
from model.network.rpn_head import mean_distances
from tools.builtin_weights.movenet import GraphError, read_tensors
from tools.builtin_weights.nanodet import CLASSES, OUTPUTS, SHIFT, START, box_parts, take_over

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

SIDE = 416
"""Pixels of the longer side that NanoDet was trained at."""
NMS = 0.6
"""NanoDet's own."""
SAME = 0.5
"""Overlap with an annotation of the class from which a box is that object."""


@dataclass(frozen=True)
class Found:
    """What was found in a photo."""

    boxes: Tensor
    """[N, 4] float32 xyxy, pixels of the photo."""
    scores: Tensor
    """[N] float32."""
    labels: Tensor
    """[N] int64, 0 to 79 in the order of COCO's category ids."""


class NanoDet:
    """The published detector, over our body and pyramid."""

    def __init__(self, graph: Path) -> None:
        """Load it.

        Raises:
            GraphError: The file is no NanoDet-g.
        """
        tensors = read_tensors(graph)
        self._body, self._neck = box_parts(Pyramid(START).eval())
        take_over(self._body, self._neck, tensors)

    @torch.no_grad()
    def detect(self, photo: NDArray[np.uint8], score: float) -> Found:
        """Return the objects in a photo [H, W, 3] RGB whose score is at least `score`."""
        height, width = photo.shape[:2]
        fitted = resize_and_pad(photo, SIDE, SIDE)
        pixels = torch.from_numpy(fitted.pixels)
        boxes, scores = [], []
        for stride, maps in zip(STRIDES[1:], self._neck(self._body(pixels)).values(), strict=True):
            logits = maps[0, :CLASSES].flatten(1).T - SHIFT  # [H * W, CLASSES]
            sides = mean_distances(maps[:, CLASSES:OUTPUTS])[0].flatten(1).T * stride
            y, x = torch.meshgrid(*(torch.arange(side) for side in maps.shape[2:]), indexing="ij")
            centre = (torch.stack([x.flatten(), y.flatten()], 1) + 0.5) * stride
            boxes.append(torch.cat([centre - sides[:, :2], centre + sides[:, 2:]], 1))
            scores.append(logits.sigmoid())
        place, labels = torch.nonzero(torch.cat(scores) >= score, as_tuple=True)
        chosen, chances = torch.cat(boxes)[place], torch.cat(scores)[place, labels]
        scale = torch.tensor([width / fitted.inner[1], height / fitted.inner[0]]).repeat(2)
        chosen = (chosen * scale).clamp(min=0).minimum(torch.tensor([width, height, width, height]))
        keep = batched_nms(chosen, chances, labels, NMS)
        return Found(chosen[keep], chances[keep], labels[keep])


def add_boxes(
    teacher: NanoDet,
    data: dict[str, Any],
    folder: Path,
    categories: list[dict[str, Any]],
    *,
    sure: float,
    unsure: float,
    partial: bool,
) -> tuple[int, int]:
    """Add annotations to a COCO file's contents; return how many are objects and how many are to be ignored.

    Args:
        teacher: What finds them.
        data: The contents, whose categories become `categories`.
        folder: Of the photos.
        categories: COCO's 80, as a file lists them.
        sure: Least score of an object.
        unsure: Least score of what is ignored.
        partial: Whether even the file's own categories are not labelled everywhere.
    """
    ordered = sorted(categories, key=lambda c: c["id"])
    own = {c["id"] for c in data["categories"]}
    known = {c["id"]: c for c in [*ordered, *data["categories"]]}
    labelled: dict[Any, list[dict[str, Any]]] = {}
    for record in data["annotations"]:
        labelled.setdefault(record["image_id"], []).append(record)
    new_id = max((record["id"] for record in data["annotations"]), default=0)
    counts = [0, 0]
    for image in tqdm(data["images"], unit="photo"):
        try:
            photo = read_image(folder, image)
            found = teacher.detect(photo.pixels, unsure)
        except PhotoError as error:
            print_message(f"Left out {image['file_name']}: {error}")
            continue
        boxes = found.boxes * torch.tensor(photo.scale * 2)
        for box, score, label in zip(boxes, found.scores.tolist(), found.labels.tolist(), strict=True):
            category = ordered[label]["id"]
            if category in own and (not partial or _stands(box, category, labelled.get(image["id"], []))):
                continue
            new_id += 1
            x1, y1, x2, y2 = (round(v, 2) for v in box.tolist())
            shape = {"bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1), "segmentation": []}
            record = {"id": new_id, "image_id": image["id"], "category_id": category, "iscrowd": int(score < sure)}
            data["annotations"].append(record | shape | {"score": round(score, 4)})
            counts[score < sure] += 1
    data["categories"] = [known[i] for i in sorted(known)]
    return counts[0], counts[1]


def _stands(box: Tensor, category: int, records: list[dict[str, Any]]) -> bool:
    """Return whether an object of that class is annotated there."""
    rows = [r["bbox"] for r in records if r["category_id"] == category]
    if not rows:
        return False
    boxes = torch.tensor(rows, dtype=torch.float32)
    boxes[:, 2:] += boxes[:, :2]
    return bool((box_iou(box[None], boxes) > SAME).any())


def _eighty(file: Path) -> list[dict[str, Any]]:
    """Return the categories that a COCO file lists.

    Raises:
        DataError: They are not as many as NanoDet's.
    """
    categories = load_coco(file)["categories"]
    if len(categories) != CLASSES:
        raise DataError(f"{file} lists {len(categories)} categories: name a file with COCO's {CLASSES}.")
    return categories


def main(arguments: Iterable[str] | None = None) -> int:
    """Run the command. Return 0, or 2 with one sentence on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.builtin_weights.pseudo_boxes", description=(__doc__ or "").splitlines()[0]
    )
    add = parser.add_argument
    add("graph", type=Path, help="nanodet.json, its .bin beside it")
    add("categories", type=Path, help="COCO file that lists the 80 categories")
    add("annotations", type=Path, help="COCO file to add to")
    add("--images", type=Path, metavar="DIR", help="folder of the photos (default: `images` beside the file)")
    add("--partial", action="store_true", help="even the file's own categories are not labelled everywhere")
    add("--sure", type=float, default=0.45, help="least score of an object (default: %(default)s)")
    add("--unsure", type=float, default=0.2, help="least score of what is ignored (default: %(default)s)")
    add("--output", type=Path, required=True, metavar="FILE", help="COCO file to write")
    args: Any = parser.parse_args(list(arguments) if arguments is not None else None)
    try:
        categories, data = _eighty(args.categories), load_coco(args.annotations)
        folder = Source(args.annotations, args.images).folder()
        options = {"sure": args.sure, "unsure": args.unsure, "partial": args.partial}
        objects, ignored = add_boxes(NanoDet(args.graph), data, folder, categories, **options)
        write_bytes(args.output, json.dumps(data).encode())
        print(f"{objects} boxes, and {ignored} to be ignored: {args.output}")
    except (GraphError, DataError) as error:
        print_message(str(error))
    except OSError as error:
        print_message(f"{error.filename} cannot be written: {error.strerror}.")
    else:
        return 0
    return 2


if __name__ == "__main__":
    sys.exit(main())
