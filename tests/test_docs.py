"""The paths that the documents name are there, and the names where they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
INSTALLED = "annotator_app/program/"  # only in a wheel
TOPS = (
    "annotator/",
    "annotator_app/",
    "benchmarks/",
    "dataset/",
    "model/",
    "resources/",
    "tests/",
    "tools/",
    ".github/",
)


@pytest.mark.parametrize("document", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_every_path_that_a_document_names_is_there(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    named = {name for name in re.findall(r"`([\w./-]+)`", text) if name.startswith(TOPS) and name != INSTALLED}
    named |= {name for name in re.findall(r"\]\(([\w./-]+)\)", text) if not name.startswith("http")}
    assert len(named) > 3
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


@pytest.mark.parametrize("document", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_a_file_without_a_folder_stands_beside_the_one_before(document: str) -> None:
    missing = []
    for paragraph in _paragraphs(document):
        folder = None
        for name in re.findall(r"`([\w./]+)`", paragraph):
            path = ROOT / name
            if name.startswith(TOPS):
                folder = path if path.is_dir() else path.parent
            elif name.endswith(".py") and "/" not in name and not path.exists():
                missing += [] if folder and (folder / name).exists() else [name]
    assert missing == []


@pytest.mark.parametrize("document", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_a_name_is_in_the_file_that_it_is_said_to_be_in(document: str) -> None:
    missing, found = [], 0
    for paragraph in _paragraphs(document):
        for name, file in re.findall(r"`([\w.]+)` (?:in|of) `([\w./]+\.(?:py|toml))`", paragraph):
            paths = [ROOT / file] if "/" in file else list(ROOT.glob(f"[!.]*/**/{file}")) or [ROOT / file]
            words = name.split(".")
            found += 1
            if not any(all(re.search(rf"\b{w}\b", p.read_text(encoding="utf-8")) for w in words) for p in paths):
                missing.append(f"{name} in {file}")
    assert found > 1
    assert missing == []


def _paragraphs(document: str) -> list[str]:
    """Return the paragraphs of a document, its list entries and the rows of its tables, each in one line."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n|\n(?=\||- |\d+\. )", text)]
