"""Safetensors files, copied into memory.

`safetensors.safe_open` and `load_file` map the file: whoever overwrites or shortens it afterwards ends the process with
a bus error at the next look at a tensor. A person may overwrite a model that is in use, so nothing here maps a file.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from safetensors import SafetensorError
from safetensors.torch import load

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

MAX_HEADER = 100 * 2**20
"""Bytes: safetensors' own limit."""


def read_tensors(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Return the metadata and the tensors of a file.

    Raises:
        SafetensorError: It is no safetensors file, or a part of it is missing.
        OSError: It cannot be read.
    """
    data = path.read_bytes()
    tensors = load(data)  # checks the header, too
    return _metadata(data[8 : 8 + int.from_bytes(data[:8], "little")]), tensors


def read_metadata(path: Path) -> dict[str, str]:
    """Return the metadata of a file without a look at its tensors.

    Raises:
        SafetensorError: It is no safetensors file.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if size > MAX_HEADER:
            raise SafetensorError("the header is too large")
        return _metadata(file.read(size))


def _metadata(header: bytes) -> dict[str, str]:
    try:
        content = json.loads(header)
    except (ValueError, RecursionError) as error:
        raise SafetensorError("the header is not JSON") from error
    metadata = content.get("__metadata__", {}) if isinstance(content, dict) else {}
    return {str(k): str(v) for k, v in metadata.items()} if isinstance(metadata, dict) else {}
