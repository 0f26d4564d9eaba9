"""The paths that the documents name are there."""

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
