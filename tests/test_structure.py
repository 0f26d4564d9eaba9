"""The plan of the house: no import runs in a circle, a class name means one thing, no folder is crowded."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("annotator", "dataset", "model", "resources", "tools", "benchmarks")
MAX_FILES = 25
"""In a folder: what a newcomer still reads through."""

FILES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(path): path for path in FILES}


def imports(path: Path) -> set[str]:
    """The modules of the project that a file imports anywhere in it, those for types alone included."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                found |= {name if name in MODULES else node.module} & MODULES.keys()
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & MODULES.keys()
    return found


def test_no_import_runs_in_a_circle() -> None:
    assert len(MODULES) > 150
    try:
        TopologicalSorter({name: imports(path) - {name} for name, path in MODULES.items()}).prepare()
    except CycleError as circle:
        pytest.fail(" imports ".join(circle.args[1]))


def test_no_two_classes_have_one_name() -> None:
    places = defaultdict(list)
    for path in FILES:
        for node in tree(path).body:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(module_name(path))
    assert len(places) > 150
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_no_folder_is_crowded() -> None:
    count = Counter(path.parent.relative_to(ROOT).as_posix() for path in FILES if path.name != "__init__.py")
    assert {folder: n for folder, n in count.items() if n > MAX_FILES} == {}


READERS = {"read_bytes", "read_text"}
MAY_READ = {"dataset.regular_files", "dataset.i18n", "annotator.icons"}
"""The one that refuses pipes, and those that read what comes with the application."""


def opens_to_read(node: ast.AST) -> bool:
    """Whether this is a call that opens a file by its name and reads it."""
    if not isinstance(node, ast.Call):
        return False
    name = getattr(node.func, "attr", "") or getattr(node.func, "id", "")
    if name in READERS:
        return isinstance(node.func, ast.Attribute)
    modes = [a.value for a in [*node.args, *(k.value for k in node.keywords)] if isinstance(a, ast.Constant)]
    if name == "load" and getattr(getattr(node.func, "value", None), "id", "") in {"torch", "np"}:
        return isinstance(node.args[0], ast.Name) and node.args[0].id in {"path", "source"}
    return name == "open" and any(mode in {"r", "rb", "utf-8"} for mode in modes) and not {"w", "x", "a"} & set(modes)


def test_one_module_opens_the_files_of_people() -> None:
    """Another `open` would wait for ever where a named pipe has the name of a file."""
    rooms = [path for path in FILES if path.relative_to(ROOT).parts[0] in {"annotator", "dataset", "model"}]
    assert {module_name(path) for path in rooms if any(map(opens_to_read, ast.walk(tree(path))))} <= MAY_READ


DECODERS = {"imread", "imreadmulti", "imdecode", "imdecodemulti", "QImageReader", "QMovie", "loadFromData"}
"""What else opens a picture, by its last name."""


def opens_pictures(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        owner = getattr(node.value, "id", "") or getattr(node.value, "attr", "")
        return node.attr in DECODERS or (owner, node.attr) == ("Image", "open")
    if isinstance(node, ast.ImportFrom):
        names = {alias.name for alias in node.names}
        return bool(names & DECODERS) or (node.module == "PIL.Image" and "open" in names)
    return False


def test_one_package_opens_pictures() -> None:
    """Another `Image.open` would take formats that run programs, and pipes that nobody writes to."""
    found = {module_name(path) for path in FILES if any(map(opens_pictures, ast.walk(tree(path))))}
    # The benchmark loads photos as torchvision's own scripts do.
    opening = {f"dataset.pictures.{name}" for name in ("pillow_pictures", "tiff_pixels", "deep_picture")}
    assert found == opening | {"benchmarks.training"}
