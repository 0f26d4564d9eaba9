"""COCO files with boxes: what is wrong with a record is an error before any work is done on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataset.coco_reader import DataError, read_coco
from dataset.i18n import tr

if TYPE_CHECKING:
    from pathlib import Path


def read_boxes(path: Path) -> dict[str, Any]:
    """Return the contents of a COCO file in which every annotation has a box, or a mask already, or is a crowd.

    Raises:
        DataError: The file cannot be read, or a record of it is not as COCO has it.
    """
    data = read_coco(path, "boxes")
    for problem in data.problems[:1]:
        if problem.kind == "number":
            raise DataError(tr("{file} is not JSON: {problem}.", file=path, problem=problem.text))
        raise DataError(tr("{file} is not a proper COCO file: {problem}.", file=path, problem=problem.text))
    return data.contents
