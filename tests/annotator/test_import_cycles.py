"""No module needs itself: imports, those for types alone included, form no circle."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def imports(path: Path, modules: dict[str, Path]) -> set[str]:
    """The modules of the project that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {name for alias in node.names if (name := f"{node.module}.{alias.name}") in modules}
            found |= {node.module} & modules.keys()
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & modules.keys()
    return found


@pytest.mark.parametrize("room", ["canvas", "panels", "window"])
def test_a_room_has_no_circle(room: str) -> None:
    files = (ROOT / "annotator" / room).rglob("*.py")
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in files}
    assert len(modules) > 5
    try:
        TopologicalSorter({name: imports(path, modules) for name, path in modules.items()}).prepare()
    except CycleError as circle:
        pytest.fail(" imports ".join(circle.args[1]))
