"""How good an object's outline is after one, two and three clicks, beside that from its true box.

python -m benchmarks.clicks FOLDER [--weights builtin] [--every 1]

FOLDER has `val.json` (COCO) and `images/`. The first click is at the point deepest inside the true mask, each further
one at the deepest point of the largest region that is wrong. Objects of more than `PROMPT_AREA` pixels count.
"""

from __future__ import annotations

import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from benchmarks.report import Record, main
from dataset import rle
from dataset.coco.reader import Source, read_image
from dataset.geometry import from_parts, to_parts
from dataset.masks import rasterize
from model.evaluation.evaluate import PROMPT_AREA
from model.evaluation.ground_truth import read_ground_truth
from model.inference.mask_keypoint_pair import load_predictor
from model.inference.point_prompts import Click, outline_at

if TYPE_CHECKING:
    import argparse

    from numpy.typing import NDArray
    from shapely import MultiPolygon

CLICKS = 3


def deepest(mask: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Return the x, y of the pixel farthest inside a mask, and its distance from what is outside."""
    depth = cv2.distanceTransform(np.pad(mask.astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    return column + 0.5, row + 0.5, float(depth[row, column])


def next_click(found: NDArray[np.bool_], true: NDArray[np.bool_]) -> Click:
    """Return a click at the deepest point of the largest region that is wrong."""
    regions = []
    for wrong, is_object in ((true & ~found, True), (found & ~true, False)):
        count, labels, stats, _ = cv2.connectedComponentsWithStats(wrong.astype(np.uint8))
        if count > 1:
            largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
            regions.append((int(stats[largest, cv2.CC_STAT_AREA]), labels == largest, is_object))
    _, region, is_object = max(regions, key=lambda r: r[0])
    x, y, _ = deepest(region)
    return Click(x, y, is_object)


def measure(args: argparse.Namespace) -> list[Record]:
    """Click on every object and compare."""
    predictor = load_predictor(args.weights, "cpu")
    source = Source(args.folder / args.labels, args.folder / "images")
    data, _ = read_ground_truth(source.annotations, source.folder())
    overlaps: dict[str, list[float]] = defaultdict(list)
    seconds: list[float] = []
    for image in data["images"][:: args.every]:
        known = [a for a in data["annotations"] if a["image_id"] == image["id"] and not a["iscrowd"]]
        known = [a for a in known if a["area"] > PROMPT_AREA and a["segmentation"]]
        if not known:
            continue
        photo = read_image(source.folder(), image).pixels
        height, width = photo.shape[:2]
        predictor.set_image(photo)
        boxes = np.array([a["bbox"] for a in known], np.float64)
        boxes[:, 2:] += boxes[:, :2]
        from_boxes = predictor.masks_for_boxes(boxes)
        for record, in_box in zip(known, from_boxes, strict=True):
            true = rle.decode(rle.from_coco(record["segmentation"], (height, width))).astype(bool)
            overlaps["box"].append(_iou(_mask(from_parts(in_box.polygons), (width, height)), true))
            x, y, _ = deepest(true)
            clicks = [Click(x, y)]
            for count in range(1, CLICKS + 1):
                start = time.process_time()
                found = outline_at(predictor, clicks)
                seconds.append(time.process_time() - start)
                mask = np.zeros_like(true) if found is None else _mask(found.shape, (width, height))
                overlaps[f"{count} clicks"].append(_iou(mask, true))
                if found is None or (mask == true).all():
                    overlaps_left = range(count + 1, CLICKS + 1)
                    for later in overlaps_left:
                        overlaps[f"{later} clicks"].append(_iou(mask, true))
                    break
                clicks.append(next_click(mask, true))
    box = float(np.mean(overlaps["box"]))
    records = [Record(f"mean IoU, {len(overlaps['box'])} objects, true box", box, "IoU")]
    for count in range(1, CLICKS + 1):
        value = float(np.mean(overlaps[f"{count} clicks"]))
        records.append(Record(f"mean IoU after {count} clicks", value, "IoU", "the true box", value / box))
    for name, share in (("median", 50), ("99th percentile", 99)):
        records.append(Record(f"an answer, CPU time, {name}", 1000 * float(np.percentile(seconds, share)), "ms"))
    return records


def _mask(shape: MultiPolygon, size: tuple[int, int]) -> NDArray[np.bool_]:
    return rle.decode(rasterize(to_parts(shape), size)).astype(bool)


def _iou(found: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    return float((found & true).sum() / max(1, (found | true).sum()))


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="folder with val.json and images/")
    parser.add_argument("--labels", default="val.json", help="another COCO file in FOLDER, to choose numbers by")
    parser.add_argument("--weights", default="builtin")
    parser.add_argument("--every", type=int, default=1, help="of so many photos only one")


if __name__ == "__main__":
    main("clicks", measure, _arguments)
