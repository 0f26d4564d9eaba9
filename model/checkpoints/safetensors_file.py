"""Safetensors files, copied into memory.

`safetensors.safe_open` and `load_file` map the file: whoever overwrites or shortens it afterwards ends the process with
a bus error at the next look at a tensor. A person may overwrite a model that is in use, so nothing here maps a file.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from safetensors.torch import load

from dataset.regular_files import open_regular

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

MAX_HEADER = 32 * 2**20
"""Bytes of a header. That of a model which learned from 100,000 photos has 7 MB; read, it takes twenty times that."""
BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
"""Of a number, by the name of its type; a network has no others."""


@dataclass(frozen=True)
class TensorInfo:
    """A tensor of a file, not yet read."""

    kind: str
    """The name of its type, as in BYTES."""
    shape: tuple[int, ...]

    @property
    def is_floating_point(self) -> bool:
        """Whether its numbers are floats."""
        return "F" in self.kind

    @property
    def bytes(self) -> int:
        """What its numbers take."""
        return math.prod(self.shape) * BYTES[self.kind]


@dataclass(frozen=True)
class Header:
    """What stands before the tensors of a file."""

    metadata: dict[str, str]
    tensors: dict[str, TensorInfo]
    size: int
    """Bytes of the file with all these tensors."""


def read_header(path: Path) -> Header:
    """Return the header of a file, without its tensors.

    Raises:
        SafetensorError: It is no safetensors file, or holds numbers of a type that no network has.
        OSError: It cannot be read.
    """
    with open_regular(path) as file:
        size = int.from_bytes(file.read(8), "little")
        if size > MAX_HEADER:
            raise SafetensorError("the header is too large")
        content = _parsed(file.read(size))
    metadata = content.pop("__metadata__", {})
    tensors = {name: _info(record) for name, record in content.items()}
    total = 8 + size + sum(info.bytes for info in tensors.values())
    texts = {str(k): str(v) for k, v in metadata.items()} if isinstance(metadata, dict) else {}
    return Header(texts, tensors, total)


def read_tensors(path: Path, size: int) -> dict[str, Tensor]:
    """Return the tensors of a file, which has `size` bytes if it is what its header says.

    Raises:
        SafetensorError: It is not.
        OSError: It cannot be read.
    """
    with open_regular(path) as file:
        data = file.read(size + 1)
    if len(data) != size:
        raise SafetensorError("a part is missing, or something follows")
    return load(data)


def _parsed(header: bytes) -> dict[str, Any]:
    try:
        content = json.loads(header)
    except (ValueError, RecursionError) as error:
        raise SafetensorError("the header is not JSON") from error
    if not isinstance(content, dict):
        raise SafetensorError("the header is not a record")
    return content


def _info(record: object) -> TensorInfo:
    kind, shape = (record.get("dtype"), record.get("shape")) if isinstance(record, dict) else (None, None)
    whole = isinstance(shape, list) and all(type(side) is int and side >= 0 for side in shape)
    if not whole or kind not in BYTES or len(shape) > 8:
        raise SafetensorError("a tensor is not as safetensors has it")
    return TensorInfo(kind, tuple(shape))
