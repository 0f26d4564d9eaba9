"""760 annotation files over all formats that are read: what years of tools, damage and malice make of them."""

from __future__ import annotations

import io
import json
import random
from typing import TYPE_CHECKING, Any

from PIL import Image

from tests.hostile.cases import HostileCase
from tests.hostile.json_faults import NUMBERS, RAW, SIZE, WRONG, at, dumps, fields, mutated, valid

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNT = 760
COCO_READERS = ("window", "import coco", "evaluate", "masks", "train")
EXPORTED = ("import coco", "export")
LABELME_READERS = ("window", "import labelme")
RESULTS_READERS = ("window", "import coco", "evaluate")

HOSTILE_NAMES = [
    "../outside/secret.jpg",
    "../../../../../../etc/passwd",
    "/etc/passwd",
    "/proc/self/mem",
    "/dev/zero",
    "/dev/stdin",
    "a/../../outside/secret.jpg",
    "..\\outside\\secret.jpg",
    "C:\\photos\\a.jpg",
    "\\\\server\\share\\a.jpg",
    "file:///etc/passwd",
    "http://127.0.0.1:9/a.jpg",
    "a.jpg\0",
    "\0",
    "",
    ".",
    "..",
    "/",
    "~",
    "~root/a.jpg",
    "%2e%2e/outside/secret.jpg",
    "....//outside/secret.jpg",
    "a.jpg\n",
    "a\nb.jpg",
    "\ud800.jpg",
    "x" * 5000 + ".jpg",
    "annotations.json",
    ".annotator/project.sqlite",
    "link/secret.jpg",
    "A.JPG",
    "./a.jpg",
    "sub/",
    "a.jpg/",
]


def cases(seed: int = 0) -> Iterator[HostileCase]:
    """Yield `COUNT` cases, the same for the same seed; the last ones have several faults at once."""
    rng = random.Random(seed)
    number = 0
    for case in _by_hand():
        number += 1
        yield case
    for n in range(number, COUNT):
        kind = rng.choice(("coco", "coco", "labelme", "results"))
        faults = rng.choice((2, 3, 5, 9))
        yield as_case(kind, f"{faults} faults, number {n}", dumps(mutated(rng, valid(kind), faults)))


def as_case(kind: str, name: str, content: bytes) -> HostileCase:
    """Return a file of a format with the photos that it goes with."""
    photos = {"a.jpg": PHOTO, "b.jpg": PHOTO}
    if kind == "labelme":
        return HostileCase(f"labelme: {name}", LABELME_READERS, {**photos, "a.json": content}, named=NAMED)
    readers = RESULTS_READERS if kind == "results" else COCO_READERS
    return HostileCase(f"{kind}: {name}", readers, {**photos, "annotations.json": content}, named=NAMED)


NAMED = ("annotations.json", "a.json", "a.jpg", "b.jpg", "/case", "photo")
"""What a refusal has to name: the file, the folder, or the photo."""


def _by_hand() -> Iterator[HostileCase]:
    for kind in ("coco", "labelme", "results"):
        yield as_case(kind, "as it should be", dumps(valid(kind)))
        yield from _truncated(kind)
        yield from _encoded(kind)
        yield from _every_field(kind)
        yield from _numbers(kind)
    yield from _roots()
    yield from _deep()
    yield from _names()
    yield from _duplicates()
    yield from _run_lengths()
    yield from _outlines()
    yield from _many()


def _truncated(kind: str) -> Iterator[HostileCase]:
    content = dumps(valid(kind))
    stages = {"coco": 24, "labelme": 12, "results": 6}[kind]
    for stage in range(stages):
        yield as_case(kind, f"cut off at {stage}/{stages}", content[: len(content) * stage // stages])


def _encoded(kind: str) -> Iterator[HostileCase]:
    document = valid(kind)
    text = json.dumps(document)
    forms = {
        "UTF-16": text.encode("utf-16"),
        "UTF-16 without a mark": text.encode("utf-16-le"),
        "UTF-32": text.encode("utf-32"),
        "UTF-8 with a mark": text.encode("utf-8-sig"),
        "Latin-1": text.replace("person", "persönn").encode("latin-1"),
        "GBK": text.replace("person", "人").encode("gbk"),
        "half a character": text.replace("person", "per\\ud83don").encode(),
        "a zero in a name": text.replace("person", "per\\u0000son").encode(),
        "bytes after its end": text.encode() + b"\0" * 100,
        "twice in one file": text.encode() * 2,
        "JSON lines": text.replace(", ", ",\n").encode() + b"\n{}",
        "a comment": b"// made by hand\n" + text.encode(),
        "a comma too many": text[:-1].encode() + b"," + text[-1:].encode(),
        "single quotes": text.replace('"', "'").encode(),
        "zeros in its place": bytes(len(text)),
    }
    for name, content in forms.items():
        yield as_case(kind, name, content)


def _every_field(kind: str) -> Iterator[HostileCase]:
    """A wrong value in every field, others each time."""
    rng = random.Random(kind)
    each = {"coco": 4, "labelme": 3, "results": 4}[kind]
    for holder_path, key in fields(valid(kind)):
        for value in rng.sample(WRONG, each):
            document = valid(kind)
            at(document, holder_path)[key] = value
            where = ".".join(map(str, (*holder_path, key)))
            yield as_case(kind, f"{where} is {str(value)[:12]!r}", dumps(document))
        document = valid(kind)
        del at(document, holder_path)[key]
        yield as_case(kind, f"{'.'.join(map(str, (*holder_path, key)))} is missing", dumps(document))


def _numbers(kind: str) -> Iterator[HostileCase]:
    """Numbers that no machine word, or no photo, holds."""
    places: list[tuple[Any, ...]] = {
        "coco": [
            ("images", 0, "id"),
            ("images", 0, "width"),
            ("annotations", 0, "id"),
            ("annotations", 0, "bbox", 2),
            ("annotations", 0, "segmentation", 0, 0),
            ("annotations", 1, "keypoints", 0),
            ("annotations", 0, "category_id"),
            ("categories", 0, "id"),
        ],
        "labelme": [("imageWidth",), ("shapes", 0, "points", 0, 0), ("shapes", 0, "group_id")],
        "results": [(0, "score"), (0, "bbox", 0), (0, "image_id")],
    }[kind]
    for number, (*path, key) in enumerate(places):
        for value in NUMBERS[number % 2 :: 2]:
            document = valid(kind)
            at(document, tuple(path))[key] = value
            yield as_case(kind, f"{'.'.join(map(str, (*path, key)))} is {str(value)[:12]}", dumps(document))


def _roots() -> Iterator[HostileCase]:
    for root in (None, True, 0, "text", [], {}, [[]], [{}], [1], {"images": []}, {"images": {}, "annotations": {}}):
        yield as_case("coco", f"is {str(root)[:30]}", dumps(root))
    for root in ({"shapes": []}, {"shapes": {}}, {"shapes": None, "imagePath": "a.jpg"}, {"shapes": [1]}):
        yield as_case("labelme", f"is {str(root)[:30]}", dumps(root))


def _deep() -> Iterator[HostileCase]:
    for deep in (name for name in RAW if "deep" in name):
        for path, key in (
            ((), "info"),
            (("annotations", 0), "segmentation"),
            (("annotations", 0), "attributes"),
            (("categories", 0), "skeleton"),
        ):
            document = valid("coco")
            at(document, path)[key] = deep
            yield as_case("coco", f"{key} {deep.strip('@')}", dumps(document))
        yield as_case("coco", f"as a whole {deep.strip('@')}", RAW[deep].encode())
        document = valid("labelme")
        document["shapes"][0]["points"] = deep
        yield as_case("labelme", f"points {deep.strip('@')}", dumps(document))


def _names() -> Iterator[HostileCase]:
    for name in HOSTILE_NAMES:
        document = valid("coco")
        document["images"][0]["file_name"] = name
        yield as_case("coco", f"file_name {name[:30]!r}", dumps(document))
        document = valid("coco")
        document["categories"][1]["name"] = name
        yield HostileCase(f"coco: a class {name[:30]!r}", EXPORTED, _project(document), named=NAMED)
        document["images"][1]["file_name"] = name
        document["annotations"][0]["image_id"] = 2
        yield HostileCase(f"coco: exported, file_name {name[:30]!r}", EXPORTED, _project(document), named=NAMED)
    for name in HOSTILE_NAMES[::2]:
        document = valid("labelme")
        document["imagePath"] = name
        yield as_case("labelme", f"imagePath {name[:30]!r}", dumps(document))


def _project(document: dict[str, Any]) -> dict[str, bytes]:
    return {"a.jpg": PHOTO, "b.jpg": PHOTO, "annotations.json": dumps(document)}


def _duplicates() -> Iterator[HostileCase]:
    for kind in ("images", "annotations", "categories"):
        document = valid("coco")
        document[kind].append({**document[kind][0]})
        yield as_case("coco", f"{kind} twice", dumps(document))
        document[kind][-1] |= {"file_name": "b.jpg", "name": "other", "bbox": [3, 3, 9, 9]}
        yield as_case("coco", f"the same id for two {kind}", dumps(document))
        document = valid("coco")
        document[kind][1:] = [{**document[kind][0], "id": n} for n in range(5, 9)]
        yield as_case("coco", f"{kind} again under other ids", dumps(document))
    text = dumps(valid("coco")).decode()
    yield as_case("coco", "a list twice", (text[:-1] + ', "annotations": []}').encode())
    yield as_case("coco", "a field twice", text.replace('"id": 1,', '"id": 1, "id": 2,').encode())
    document = valid("coco")
    document["categories"][1]["name"] = "PERSON"
    yield as_case("coco", "classes that differ by case", dumps(document))


def _run_lengths() -> Iterator[HostileCase]:
    width, height = SIZE
    whole = width * height
    runs: dict[str, Any] = {
        "an empty text": "",
        "a million of o": "o" * 10**6,
        "100,000 of 0": "0" * 10**5,
        "only continuations": "oooo",
        "beyond ASCII": "é1",
        "a space": " ",
        "a zero": "\0",
        "overflow": "ooooooooooooo0",
        "seventeen bits": "PPPYkZ0",
        "numbers as text": ["1", "2"],
        "negative": [-5, whole + 5],
        "too long": [0, whole + 1],
        "too short": [1, 2],
        "2^63": [2**63 - 1, 2**63 - 1],
        "2^64": [2**64],
        "floats": [0.5, whole - 0.5],
        "NaN": [float("nan")],
        "no runs": [],
        "268 million": [0, 1 << 28],
        "a million runs": [0, 1] * 500_000,
        "null": None,
        "nested": [[1]],
    }
    for name, counts in runs.items():
        document = valid("coco")
        document["annotations"][2]["segmentation"] = {"size": [height, width], "counts": counts}
        yield as_case("coco", f"RLE with {name}", dumps(document))
    good = [0, 10, whole - 10]
    sizes = [
        [0, 0],
        [1, 1],
        [width, height],
        [-1, -1],
        [10**9, 10**9],
        [2**31, 2],
        [48],
        [48, 64, 3],
        None,
        "48x64",
        [48.5, 64],
        [24, 32],
        [1, whole],
        [float("inf"), 1],
    ]
    for size in sizes:
        document = valid("coco")
        document["annotations"][2]["segmentation"] = {"size": size, "counts": good}
        yield as_case("coco", f"RLE of size {size}", dumps(document))
    document = valid("coco")
    document["images"][0] |= {"width": 16_384, "height": 16_384}
    document["annotations"][2]["segmentation"] = {"size": [16_384, 16_384], "counts": [0, 1 << 28]}
    yield as_case("coco", "RLE that covers 268 million pixels", dumps(document))


def _outlines() -> Iterator[HostileCase]:
    zigzag = [v for n in range(2000) for v in (n % 2 * 1e6, n)]
    rings: dict[str, Any] = {
        "two points": [[1, 1, 9, 9]],
        "one point": [[1, 1]],
        "an odd count": [[1, 1, 9, 1, 9, 9, 1]],
        "flat": [1, 1, 9, 1, 9, 9],
        "over-nested": [[[1, 1, 9, 1, 9, 9]]],
        "pairs": [[[1, 1], [9, 1], [9, 9]]],
        "no area": [[5, 5] * 4],
        "a line": [[1, 1, 5, 5, 9, 9]],
        "crossing itself": [[1, 1, 9, 9, 9, 1, 1, 9]],
        "one good, one bad": [[1, 1], [1, 1, 9, 1, 9, 9]],
        "far outside": [[1e6, 1e6, 1e6 + 9, 1e6, 1e6, 1e6 + 9]],
        "beyond all": [[-1e6, -1e6, 1e6, -1e6, 1e6, 1e6, -1e6, 1e6]],
        "a zigzag to a million": [zigzag],
        "hardly inside": [[-999_999, 5, 999_999, 5, 5, 6]],
        "fractions": [[0.1, 0.1, 0.5, 0.1, 0.5, 0.5]],
        "numbers as text": [["1", "1", "9", "1", "9", "9"]],
        "null among": [[1, 1, None, 1, 9, 9]],
        "true among": [[True, 1, 9, 1, 9, 9]],
        "empty": [],
        "an empty ring": [[]],
        "objects": [{"x": 1, "y": 1}],
        "a string": ["1 1 9 1 9 9"],
        "100,000 points": [[v for n in range(100_000) for v in (n % 63, n % 47)]],
        "10,000 rings": [[1, 1, 9, 1, 9, 9]] * 10_000,
    }
    for name, segmentation in rings.items():
        document = valid("coco")
        document["annotations"][0]["segmentation"] = segmentation
        yield as_case("coco", f"outline: {name}", dumps(document))
    for name, points in rings.items():
        document = valid("labelme")
        pairs = points[0] if points and isinstance(points[0], list) else points
        document["shapes"][0]["points"] = [pairs[n : n + 2] for n in range(0, len(pairs), 2)]
        if name not in ("a string", "objects"):
            yield as_case("labelme", f"outline: {name}", dumps(document))


def _many() -> Iterator[HostileCase]:
    """Huge counts of everything."""
    for kind in ("images", "annotations", "categories"):
        document = valid("coco")
        first = document[kind][0]
        document[kind] += [{**first, "id": n, "name": f"class {n}", "file_name": f"{n}.jpg"} for n in range(10, 20_010)]
        yield as_case("coco", f"20,000 {kind}", dumps(document))
    changes: dict[str, tuple[tuple[Any, ...], str, Any]] = {
        "10,000 keypoints": (("annotations", 1), "keypoints", [1, 1, 2] * 10_000),
        "a class of 10,000 keypoints": (("categories", 0), "keypoints", [f"p{n}" for n in range(10_000)]),
        "a skeleton of 100,000 edges": (("categories", 0), "skeleton", [[1, 2]] * 100_000),
        "a class named by a megabyte": (("categories", 0), "name", "n" * 10**6),
        "a keypoint named by a megabyte": (("categories", 0), "keypoints", ["n" * 10**6, "p", "q"]),
        "100,000 unknown fields": (("annotations", 0), "attributes", {f"f{n}": n for n in range(100_000)}),
        "a photo of 1e9 by 1e9": (("images",), "0", None),
        "a photo of 65,535 by 65,535": (("images",), "0", None),
    }
    for name, (path, key, value) in changes.items():
        document = valid("coco")
        if name.startswith("a photo of"):
            side = 10**9 if "1e9" in name else 65_535
            document["images"][0] |= {"width": side, "height": side}
        else:
            at(document, path)[key] = value
        yield as_case("coco", name, dumps(document))
    document = valid("labelme")
    document["shapes"] *= 5000
    yield as_case("labelme", "20,000 shapes", dumps(document))
    document["shapes"] = [{**document["shapes"][0], "label": f"class {n}"} for n in range(20_000)]
    yield as_case("labelme", "20,000 labels", dumps(document))
    yield as_case("results", "20,000 results", dumps(valid("results") * 10_000))


def _photo() -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize(SIZE).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


PHOTO = _photo()
"""A JPEG of `SIZE`."""
