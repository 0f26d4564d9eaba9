"""A network as graphs in a file, with all that a prediction has to know of it; read without torch."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataset.atomic_files import write_bytes
from dataset.coco.categories import Category, from_coco, to_coco
from dataset.json_text import loads
from dataset.regular_files import read_regular
from model.config_values import model_config, to_dict

if TYPE_CHECKING:
    from pathlib import Path

    from model.config import ModelConfig

FORMAT = "annotator-graphs-2"
"""Stands in the file; another one is made again."""
HEAD = "model.json"
MAX_BYTES = 2 * 2**30
"""Bytes of all graphs: a graph of more cannot be one."""


class GraphFileError(Exception):
    """A file holds no graphs of this version, or is damaged; nobody is told, it is made again."""


@dataclass(frozen=True)
class Graphs:
    """A network as an engine runs it."""

    config: ModelConfig
    categories: tuple[Category, ...]
    """One a class, in the order of the network's outputs."""
    metrics: dict[str, Any]
    digest: str
    """Differs for other weights and other settings."""
    arithmetic: str
    """`float32` or `int8`."""
    parts: dict[str, bytes]
    """ONNX by name: encode, classify, and masks and keypoints where there are such heads."""


def write(path: Path, graphs: Graphs) -> None:
    """Write graphs; a file that was there stays whole until the new one is complete on disk.

    Raises:
        OSError: The file cannot be written.
    """
    head = {
        "format": FORMAT,
        "config": to_dict(graphs.config),
        "categories": [to_coco(c) for c in graphs.categories],
        "metrics": graphs.metrics,
        "digest": graphs.digest,
        "arithmetic": graphs.arithmetic,
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:  # not compressed: weights are noise
        archive.writestr(zipfile.ZipInfo(HEAD), json.dumps(head))
        for name, part in graphs.parts.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.onnx"), part)
    write_bytes(path, buffer.getvalue())


def read(path: Path) -> Graphs:
    """Return the graphs of a file, read into memory: it may be overwritten afterwards.

    Raises:
        GraphFileError: They are damaged, of another version, or something else.
        OSError: The file cannot be read.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(read_regular(path))) as archive:
            if sum(info.file_size for info in archive.infolist()) > MAX_BYTES:
                raise GraphFileError(path)
            head = loads(archive.read(HEAD))
            if head["format"] != FORMAT:
                raise GraphFileError(path)
            names = [n for n in archive.namelist() if n != HEAD]
            parts = {n.removesuffix(".onnx"): archive.read(n) for n in names}  # which compares their checksums
        return Graphs(
            model_config(head["config"]),
            tuple(from_coco(record) for record in head["categories"]),
            head["metrics"],
            str(head["digest"]),
            str(head["arithmetic"]),
            parts,
        )
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, EOFError, NotImplementedError) as error:
        raise GraphFileError(path) from error
