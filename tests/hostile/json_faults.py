"""JSON that annotation programs write, and what can be wrong with it."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

SIZE = (64, 48)
RAW = {
    "@overflow@": "1e400",
    "@long number@": "9" * 5000,
    **{f"@{depth} deep@": "[" * depth + "]" * depth for depth in (50, 900, 20_000, 1_000_000)},
    "@a long number, 20,000 deep@": f"[{'1' * 5000}, {'[' * 20_000 + ']' * 20_000}]",
    "@deep object@": '{"a":' * 5000 + "1" + "}" * 5000,
}
"""JSON that Python does not write, by what stands for it in a document."""
MOST = 500
"""Places of a document that gets another fault: a list said twice, in a list said twice, grows fast."""
MOST_RAW = 4
"""Of each of `RAW` in a document: two megabytes in every place of a list said twenty times are gigabytes."""
NUMBERS: list[Any] = [
    2**31,
    2**63,
    2**64,
    -(2**63) - 1,
    10**400,
    1e308,
    -1e308,
    1e-320,
    float("nan"),
    float("inf"),
    float("-inf"),
    "@overflow@",
    "@long number@",
]
WRONG: list[Any] = [None, "", "text", "1", -1, 0, 1.5, True, [], [[]], {}, {"a": 1}, [None], ["x"], 10**30, "\ud800"]


def valid(kind: str) -> Any:
    """Return a small document with everything that a format has: "coco", "results" or "labelme"."""
    return copy.deepcopy({"coco": _coco, "results": _results, "labelme": _labelme}[kind]())


def dumps(document: Any) -> bytes:
    """Return a document as JSON, with what Python does not write in place of the names of `RAW`."""
    text = json.dumps(document)
    for name, raw in RAW.items():
        text = text.replace(f'"{name}"', raw, MOST_RAW)
    return text.encode()


def mutated(rng: random.Random, document: Any, faults: int) -> Any:
    """Return a document with that many faults anywhere in it."""
    document = copy.deepcopy(document)
    for _ in range(faults):
        places = list(_places(document))
        if not places or len(places) > MOST:
            return document
        holder, key = rng.choice(places)
        chance = rng.random()
        if chance < 0.15 and isinstance(holder, dict):
            del holder[key]
        elif chance < 0.25 and isinstance(holder, list):
            holder.extend([holder[key]] * rng.choice((1, 3, 20)))
        elif chance < 0.35:
            other, place = rng.choice(places)
            holder[key] = copy.deepcopy(other[place])
        elif chance < 0.45:
            holder[key] = [holder[key]]
        elif chance < 0.7 or not isinstance(holder[key], int | float):
            # A copy: the next fault may be in it, and must not be in every later document.
            holder[key] = copy.deepcopy(rng.choice(WRONG + list(RAW)))
        else:
            holder[key] = rng.choice(NUMBERS)
    return document


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place of a document: its list or object, and the key in it."""
    waiting = [document]
    while waiting:
        holder = waiting.pop()
        for key in holder if isinstance(holder, dict) else range(len(holder)):
            yield holder, key
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])


def fields(document: Any) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Yield the field of each name once: the path to its object, and the name."""
    seen: set[tuple[Any, ...]] = set()
    waiting: list[tuple[tuple[Any, ...], Any]] = [((), document)]
    while waiting:
        path, value = waiting.pop(0)
        if isinstance(value, dict):
            for key in value:
                kind = (*(p for p in path if isinstance(p, str)), key)
                if kind not in seen:
                    seen.add(kind)
                    yield path, key
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        waiting += [((*path, key), v) for key, v in inner if isinstance(v, dict | list)]


def at(document: Any, path: tuple[Any, ...]) -> Any:
    """Return what is at a place."""
    for key in path:
        document = document[key]
    return document


def _coco() -> dict[str, Any]:
    width, height = SIZE
    return {
        "info": {"year": 2026},
        "images": [
            {"id": n, "file_name": name, "width": width, "height": height} for n, name in ((1, "a.jpg"), (2, "b.jpg"))
        ],
        "annotations": [
            {
                "id": 1,
                "image_id": 1,
                "category_id": 1,
                "segmentation": [[1, 1, 20, 1, 20, 20]],
                "bbox": [1, 1, 19, 19],
                "area": 180.5,
                "iscrowd": 0,
                "attributes": {"track": 7},
            },
            {
                "id": 2,
                "image_id": 1,
                "category_id": 1,
                "bbox": [5, 5, 30, 30],
                "area": 900,
                "iscrowd": 0,
                "keypoints": [9, 9, 2, 20, 20, 1, 0, 0, 0],
                "num_keypoints": 2,
                "score": 0.5,
            },
            {
                "id": 3,
                "image_id": 1,
                "category_id": 2,
                "bbox": [0, 0, 1, 48],
                "area": 40,
                "iscrowd": 1,
                "segmentation": {"size": [height, width], "counts": [0, 40, width * height - 40]},
            },
            {
                "id": 4,
                "image_id": 2,
                "category_id": 2,
                "bbox": [2, 2, 8, 8],
                "area": 64,
                "iscrowd": 0,
                "segmentation": [[2, 2, 10, 2, 10, 10, 2, 10]],
                "annotator": {"origin": "edited"},
            },
        ],
        "categories": [
            {
                "id": 1,
                "name": "person",
                "supercategory": "person",
                "keypoints": ["nose", "tail", "foot"],
                "skeleton": [[1, 2], [2, 3]],
                "color": "#ff0000",
            },
            {"id": 2, "name": "cup", "supercategory": "kitchen"},
        ],
    }


def _results() -> list[dict[str, Any]]:
    return [
        {"image_id": 1, "category_id": 1, "bbox": [1, 1, 19, 19], "score": 0.9},
        {"image_id": 2, "category_id": 1, "segmentation": [[1, 1, 9, 1, 9, 9]], "score": 0.3, "bbox": [1, 1, 8, 8]},
    ]


def _labelme() -> dict[str, Any]:
    shape = {"group_id": None, "description": "", "flags": {}, "mask": None}
    return {
        "version": "5.5.0",
        "flags": {},
        "imagePath": "a.jpg",
        "imageData": None,
        "imageWidth": SIZE[0],
        "imageHeight": SIZE[1],
        "shapes": [
            {**shape, "label": "person", "points": [[1, 1], [20, 1], [20, 20]], "shape_type": "polygon", "group_id": 1},
            {**shape, "label": "nose", "points": [[5, 5]], "shape_type": "point", "group_id": 1},
            {**shape, "label": "cup", "points": [[2, 2], [10, 10]], "shape_type": "rectangle"},
            {**shape, "label": "ball", "points": [[30, 30], [35, 30]], "shape_type": "circle"},
        ],
    }
