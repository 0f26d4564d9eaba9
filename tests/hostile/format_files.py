"""Files of every format that is read: what is written here as it should be, and what damage and malice make of it.

Nothing here knows a format: a new one is covered by itself.
"""

from __future__ import annotations

import json
import os
import random
import re
import tempfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

from dataset.formats.base import ClassRecord, Dataset, Format, ImageRecord, ObjectRecord, Point, formats
from dataset.formats.exporting import export
from dataset.geometry import from_parts, rectangle
from tests.hostile import json_faults, pictures
from tests.hostile.annotation_files import HOSTILE_NAMES, NAMED, PHOTO
from tests.hostile.cases import HostileCase, fifo
from tests.hostile.json_faults import SIZE

SOURCE = "source"
"""Name of the file or the folder that is imported, beside the photos; a file has its format's ending."""
FILES_EACH = 4
"""Of a format that are damaged one by one."""
NUMBERS = ["-1", "0", "1e308", "-1e308", "1e400", "nan", "-inf", "0x10", "٣", "1_000", "9" * 5000, "2147483648", "1,5"]
ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
PROLOGUES = {
    "a billion laughs": f'<!DOCTYPE x [<!ENTITY e0 "ha">{ENTITIES}]>',
    "a quadratic blow-up": f'<!DOCTYPE x [<!ENTITY e9 "{"a" * 200_000}">]>',
    "a file as an entity": '<!DOCTYPE x [<!ENTITY e9 SYSTEM "file:///etc/passwd">]>',
    "an address as an entity": '<!DOCTYPE x [<!ENTITY e9 SYSTEM "http://127.0.0.1:9/x">]>',
    "a parameter entity": '<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>',
    "a document type elsewhere": '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
}
YAML = {
    "a tag that runs a program": "names: !!python/object/apply:os.system ['touch executed']\n",
    "a tag that makes an object": "names: !!python/object/new:os.system [touch executed]\n",
    "a tag of a module": "names: !!python/module:os\n",
    "a billion laughs": "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1}, ' * 9}x]\n" for n in range(1, 10)),
    "an alias of itself": "names: &a [*a]\n",
    "100,000 deep": f"names: {'[' * 100_000}\n",
    "a path that leads out": "path: ../outside\ntrain: ../outside\nval: /etc\nnames: [cup]\n",
    "a path without end": "path: /dev/zero\ntrain: /dev/zero\nnames: [cup]\n",
    "a list of paths": "path: .\ntrain: [../outside/secret.jpg, /etc/passwd, images]\nnames: {0: cup}\n",
    "names of all kinds": "path: .\ntrain: images\nnames: {1000000000: cup, -1: x, a: b, 1.5: [1], ~: ~}\n",
    "a number of classes": "path: .\ntrain: images\nnc: 1000000000000\nnames: []\n",
}


@cache
def sound(name: str) -> dict[str, bytes]:
    """Return the files of a small dataset in a format: boxes, outlines with several parts and holes, keypoints."""
    with tempfile.TemporaryDirectory() as scratch:
        photos = Path(scratch) / "photos"
        photos.mkdir()
        for photo in ("a.jpg", "b.jpg"):
            (photos / photo).write_bytes(PHOTO)
        file_format = _format(name)
        target = Path(scratch) / "target" / f"{SOURCE}{file_format.suffix}"
        target.parent.mkdir()
        export(file_format, _dataset(photos), target)
        found = sorted(path for path in target.parent.rglob("*") if path.is_file())
        return {path.relative_to(target.parent).as_posix(): path.read_bytes() for path in found}


def _format(name: str) -> Format:
    return next(found for found in formats() if found.name == name)


def _dataset(folder: Path) -> Dataset:
    ring = [(2.0, 2.0), (30.0, 2.0), (30.0, 30.0), (2.0, 30.0)]
    hole, apart = [(8.0, 8.0), (12.0, 8.0), (12.0, 12.0)], [(40.0, 5.0), (50.0, 5.0), (50.0, 15.0)]
    points = (Point(9, 9, 2), Point(20, 20, 1), Point(0, 0, 0))
    classes = (
        ClassRecord("cup", "#ff9f1c", "thing"),
        ClassRecord("person", "#4cc9f0", "", ("nose", "tail", "foot"), ((0, 1), (1, 2))),
    )
    first = (
        ObjectRecord("cup", from_parts([[ring, hole], [apart]]), extra={"attributes": {"track": 7}}),
        ObjectRecord("cup", rectangle(5, 30, 20, 40), is_box=True, score=0.5),
        ObjectRecord("person", rectangle(2, 2, 30, 30), points, is_box=True),
    )
    second = (ObjectRecord("cup", from_parts([[apart]]), is_crowd=True),)
    return Dataset(folder, classes, (ImageRecord("a.jpg", SIZE, first), ImageRecord("b.jpg", SIZE, second)))


def readable() -> list[str]:
    """Return the names of the formats that are read and written."""
    return [found.name for found in formats() if found.read and found.write]


def cases(seed: int = 0) -> Iterator[HostileCase]:
    """Yield the cases of every format, the same for the same seed."""
    for name in readable():
        rng = random.Random(f"{seed} {name}")
        files = sound(name)
        yield as_case(name, "as it should be", files)
        listed = [path for path in files if not _is_photo(path)]
        for path in listed[:FILES_EACH]:
            for what, content in _damaged(rng, path, files[path]):
                yield as_case(name, f"{path}: {what}", {**files, path: content})
            for what, make in _replaced(path).items():
                yield as_case(name, f"{path}: {what}", {p: c for p, c in files.items() if p != path}, make)
        yield from _names(name, files)


def fuzzed(name: str, rng: random.Random) -> Iterator[HostileCase]:
    """Yield cases of a format without end, each of them with faults in its files."""
    files = sound(name)
    listed = [path for path in files if not _is_photo(path)]
    number = 0
    while True:
        number += 1
        changed = dict(files)
        for path in rng.sample(listed, min(len(listed), rng.choice((1, 1, 2)))):
            changed[path] = _fuzz(rng, path, files[path])
        yield as_case(name, f"fuzz number {number}", changed)


def as_case(name: str, what: str, files: dict[str, bytes], make: Callable[[Path], object] | None = None) -> HostileCase:
    """Return files of a format with the photos that they go with."""
    photos = {"a.jpg": PHOTO, "b.jpg": PHOTO}
    return HostileCase(f"{name}: {what}", (f"import {name}",), {**photos, **files}, make=make, named=(SOURCE, *NAMED))


def _is_photo(path: str) -> bool:
    return path.endswith(".jpg")


def _kind(path: str) -> str:
    suffix = os.path.splitext(path)[1].lower()  # noqa: PTH122 - of a path in a dataset
    return {".iap": ".json", ".yml": ".yaml", ".csv": ".txt"}.get(suffix, suffix)


def _damaged(rng: random.Random, path: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what a file may have become: what is wrong, and the content."""
    stages = 8
    for stage in range(stages):
        yield f"cut off at {stage}/{stages}", content[: len(content) * stage // stages]
    yield "zeros", bytes(len(content))
    yield "twice", content * 2
    yield "bytes after its end", content + b"\0" * 100
    if _kind(path) != ".png":
        text = content.decode()
        yield "UTF-16", text.encode("utf-16")
        yield "UTF-8 with a mark", text.encode("utf-8-sig")
        yield "not UTF-8", content.replace(b"cup", b"c\xff\xfep")
        yield "a zero in a name", content.replace(b"cup", b"c\0p")
        yield "a name of a megabyte", content.replace(b"cup", b"c" * 10**6)
        for number in NUMBERS:
            yield f"a number is {number[:12]}", _with_number(rng, text, number).encode()
    kinds = {".json": _json, ".xml": _xml, ".yaml": _yaml, ".txt": _lines, ".png": _png}
    yield from kinds.get(_kind(path), _lines)(rng, content)
    for number in range(6):
        yield f"damaged, number {number}", _fuzz(rng, path, content)


def _with_number(rng: random.Random, text: str, number: str) -> str:
    """Return text with another number in place of one of its own."""
    found = list(re.finditer(r"-?\d+(\.\d+)?", text))
    if not found:
        return text
    at = rng.choice(found)
    return text[: at.start()] + number + text[at.end() :]


def _json(rng: random.Random, content: bytes) -> Iterator[tuple[str, bytes]]:
    document = json.loads(content)
    for raw in json_faults.RAW:
        changed = json.loads(content)
        places = [place for place in json_faults.fields(changed) if json_faults.at(changed, place[0])]
        holder, key = rng.choice(places) if places else ((), 0)
        json_faults.at(changed, holder)[key] = raw
        yield f"{key} {raw.strip('@')}", json_faults.dumps(changed)
    for root in (None, True, 0, "text", [], {}, [[]], [{}], [1]):
        yield f"is {root}", json_faults.dumps(root)
    for number in range(20):
        faults = rng.choice((1, 1, 2, 5))
        yield f"{faults} faults, number {number}", json_faults.dumps(json_faults.mutated(rng, document, faults))


def _xml(rng: random.Random, content: bytes) -> Iterator[tuple[str, bytes]]:
    text = content.decode()
    head, root = re.match(r"(<\?xml.*?\?>\s*)?(.*)", text, re.DOTALL).groups("")  # pyrefly: ignore
    for what, prologue in PROLOGUES.items():
        yield what, f"{head}{prologue}{root.replace('cup', '&e9;')}".encode()
    yield "100,000 deep", f"{head}{'<a>' * 100_000}".encode()
    inner = root.find(">") + 1
    yield "100,000 deep inside", f"{head}{root[:inner]}{'<object>' * 100_000}".encode()
    yield "an attribute of a megabyte", f'{head}{root[: inner - 1]} x="{"a" * 10**6}">{root[inner:]}'.encode()
    attributes = " ".join(f'a{n}="1"' for n in range(20_000))
    yield "20,000 attributes", f"{head}<a {attributes}/>".encode()
    yield "100,000 elements", f"{head}{root[:inner]}{'<x/>' * 100_000}{root[inner:]}".encode()
    yield "an encoding that nobody knows", f'<?xml version="1.0" encoding="x-none"?>{root}'.encode()
    yield "other names", root.replace("name", "nam").encode()
    for number in range(12):
        yield f"an element is gone or doubled, number {number}", _without_element(rng, text).encode()


def _without_element(rng: random.Random, text: str) -> str:
    found = list(re.finditer(r"<(\w+)[^<>]*>[^<>]*</\1>|<\w+[^<>]*/>", text))
    if not found:
        return text
    at = rng.choice(found)
    return text[: at.start()] + rng.choice(("", at.group() * 2, at.group() * 200)) + text[at.end() :]


def _yaml(_rng: random.Random, content: bytes) -> Iterator[tuple[str, bytes]]:
    for what, text in YAML.items():
        yield what, text.encode()
        yield f"{what}, and the rest", text.encode() + content


def _lines(rng: random.Random, content: bytes) -> Iterator[tuple[str, bytes]]:
    lines = content.splitlines(keepends=True) or [b"0 0.5 0.5 0.1 0.1\n"]
    yield "a line of 5 MB", content + b"1 " * 2_500_000
    yield "a field of 5 MB", content + b"1" * 5_000_000
    yield "8,000 lines", content + lines[-1] * 8000
    yield "100,000 empty lines", b"\n" * 100_000 + content
    yield "a quote that never ends", content.replace(b",", b',"', 1) + b'"a\n' * 1000
    yield "other separators", content.replace(b",", b";").replace(b" ", b"\t")
    yield "without its first line", b"".join(lines[1:])
    yield "its lines mixed", b"".join(rng.sample(lines, len(lines)))
    for number in range(8):
        line = rng.randrange(len(lines))
        words = re.split(rb"([ ,])", lines[line])
        words[rng.randrange(len(words))] = rng.choice((b"", b"x", b"-1", b"1e999", b"nan", b"\xff", b"../outside"))
        yield f"another word, number {number}", b"".join((*lines[:line], b"".join(words), *lines[line + 1 :]))


def _png(rng: random.Random, content: bytes) -> Iterator[tuple[str, bytes]]:
    for size in ((0, 0), (2**31 - 1, 1), (50_000, 50_000), (20_000, 20_000), (63, 48), (128, 96)):
        head = content.index(b"IHDR") + 4
        told = size[0].to_bytes(4, "big") + size[1].to_bytes(4, "big")
        yield f"claims {size[0]} x {size[1]}", content[:head] + told + content[head + 8 :]
    for file, other in rng.sample(pictures.valid(), 8):
        yield f"another picture, {file}", other
    yield "no picture", b"text"


def _replaced(path: str) -> dict[str, Callable[[Path], object]]:
    """Return what may be in a file's place that is none, or is elsewhere: what it is, and what makes it."""

    def link(folder: Path, to: str) -> None:
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(to)

    def pipe(folder: Path) -> None:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        fifo(path)(folder)

    links = ("/dev/zero", "/dev/stdin", "nowhere", os.path.basename(path))  # noqa: PTH119
    return {
        "a folder": lambda folder: (folder / path).mkdir(parents=True),
        "a pipe": pipe,
        "missing": lambda _folder: None,
        **{f"a link to {to}": partial(link, to=to) for to in links},
    }


def _names(name: str, files: dict[str, bytes]) -> Iterator[HostileCase]:
    """Names of photos that lead elsewhere, in every file that has some."""
    naming = [path for path, content in files.items() if not _is_photo(path) and b"a.jpg" in content]
    for path in naming[:2]:
        for hostile in HOSTILE_NAMES:
            kind = _kind(path)
            told = hostile.encode("utf-8", "surrogatepass")
            if kind == ".json":
                told = json.dumps(hostile)[1:-1].encode()
            elif kind == ".xml":
                told = re.sub(rb"[&<\"]", b"_", told)
            yield as_case(name, f"{path} names {hostile[:30]!r}", {**files, path: files[path].replace(b"a.jpg", told)})


def _fuzz(rng: random.Random, path: str, content: bytes) -> bytes:
    """Return a file with random faults: of its structure, of its words, or of its bytes."""
    chance, kind = rng.random(), _kind(path)
    if chance < 0.25 or kind == ".png" or not content:
        return pictures.damaged(rng, content)
    if kind == ".json" and chance < 0.85:
        return json_faults.dumps(json_faults.mutated(rng, json.loads(content), rng.choice((1, 1, 2, 3, 8))))
    text = content.decode()
    for _ in range(rng.choice((1, 1, 2, 4))):
        change = rng.random()
        if change < 0.5:
            text = _with_number(rng, text, rng.choice(NUMBERS))
        elif kind == ".xml" and change < 0.8:
            text = _without_element(rng, text)
        else:
            words = re.split(r"(\W)", text)
            words[rng.randrange(len(words))] = rng.choice(("", "x", "-", '"', "<", "\n", ":", "[", "é", *words[:20]))
            text = "".join(words)
    return text.encode("utf-8", "replace")
