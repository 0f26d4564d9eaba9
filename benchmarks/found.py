"""What share of true objects gets a suggestion of the right class, by supercategory, and how many are false.

python -m benchmarks.found FOLDER [--weights builtin] [--score 0.5]

FOLDER has `val.json` (COCO) and `images/`. An object of more than `PROMPT_AREA` pixels that is no crowd is found by a
suggestion of its class whose box overlaps its own by an IoU of `MET`, each by one of its own, the best scores first.
False is a suggestion that finds nothing, small objects included, and does not lie in a crowd.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from pycocotools import mask as coco_mask

from benchmarks.report import Record, main
from model.distributed import ProcessGroup
from model.evaluation.coco_eval import take_turns
from model.evaluation.evaluate import PROMPT_AREA, align, predict
from model.evaluation.ground_truth import read_ground_truth
from model.inference.mask_keypoint_pair import load_predictor

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

MET = 0.5
"""IoU of two boxes from which one finds the other."""


def meet(known: Sequence[dict[str, Any]], found: Sequence[dict[str, Any]]) -> tuple[list[bool], int]:
    """Return of one photo and class which objects are found, and how many suggestions are false.

    Args:
        known: Its objects, COCO's records.
        found: Its suggestions, COCO's results.
    """
    if not known or not found:
        return [False] * len(known), len(found)
    best_first = sorted(found, key=lambda record: -record["score"])
    crowd = np.array([bool(a["iscrowd"]) for a in known])
    boxes: Any = [np.array([r["bbox"] for r in records], np.float64) for records in (best_first, known)]
    overlaps = np.asarray(coco_mask.iou(boxes[0], boxes[1], crowd.astype(np.uint8)))
    is_found, false = take_turns(overlaps, crowd, MET)
    return is_found.tolist(), false


class Group(NamedTuple):
    """What was counted of a group of classes."""

    name: str
    objects: int
    found: int
    false: int

    @property
    def share(self) -> float:
        """Of its objects, those that are found; 0 where it has none."""
        return self.found / max(self.objects, 1)


def _together(name: str, groups: list[Group]) -> Group:
    """Return the sums of several."""
    return Group(name, sum(g.objects for g in groups), sum(g.found for g in groups), sum(g.false for g in groups))


def measure(args: argparse.Namespace) -> list[Record]:
    """Look at every photo and count."""
    predictor = load_predictor(args.weights, "cpu")
    file = args.folder / args.labels
    truth, _ = read_ground_truth(file, args.folder / "images")
    data = align(truth, predictor, file)
    results, photos = predict(predictor, data, args.folder / "images", score=args.score, group=ProcessGroup())
    wider = {category.name: category.supercategory or category.name for category in predictor.categories}
    groups = {category["id"]: wider[category["name"]] for category in data["categories"]}
    objects, met, false = Counter[str](), Counter[str](), Counter[str]()
    empty = len(photos) - len({record["image_id"] for record in results})
    for photo in photos:
        for category, group in groups.items():
            known, found = (
                [r for r in records if (r["image_id"], r["category_id"]) == (photo, category)]
                for records in (data["annotations"], results)
            )
            is_found, wrong = meet(known, found)
            false[group] += wrong
            for record, yes in zip(known, is_found, strict=True):
                if record["area"] > PROMPT_AREA and not record["iscrowd"]:
                    objects[group] += 1
                    met[group] += yes
    rows = [Group(name, objects[name], met[name], false[name]) for name in dict.fromkeys(groups.values())]
    rows.sort(key=lambda row: -row.share)
    rest = [row for row in rows if row.name not in {"person", "animal"}]
    rows.append(_together("all", rows))
    if 0 < len(rest) < len(rows) - 1:
        rows.append(_together("all but persons and animals", rest))
    records: list[Record] = []
    for row in rows:
        records.append(Record(f"{row.name}: found of {row.objects}", 100 * row.share, "%"))
        records.append(Record(f"{row.name}: false a photo", row.false / len(photos), ""))
    return [*records, Record(f"photos without a suggestion, of {len(photos)}", empty, "")]


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="folder with val.json and images/")
    parser.add_argument("--labels", default="val.json", help="another COCO file in FOLDER, to choose numbers by")
    parser.add_argument("--weights", default="builtin")
    parser.add_argument("--score", type=float, default=0.5, help="least score of a suggestion (default: 0.5)")


if __name__ == "__main__":
    main("found", measure, _arguments)
