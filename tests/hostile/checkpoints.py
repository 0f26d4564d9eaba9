"""180 files of weights: of other types and shapes, with headers that lie, and pickles that would do harm."""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import struct
import tarfile
import tempfile
import zipfile
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load, save

from tests.hostile.cases import HostileCase, fifo
from tests.tiny_model import write_tiny_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

COUNT = 180
NAME = "weights.safetensors"


def cases(seed: int = 0) -> Iterator[HostileCase]:
    """Yield `COUNT` cases, the same for the same seed."""
    content = valid()
    rng = random.Random(seed)
    number = 0
    for case in chain(_tensors(content), _headers(content), _bytes(content), _pickles(), _not_files()):
        number += 1
        yield case
    for n in range(number, COUNT):
        yield as_case(f"damaged, number {n}", damaged(rng, content))


@cache
def valid() -> bytes:
    """Return a sound file: a tiny network."""
    with tempfile.TemporaryDirectory() as folder:
        return write_tiny_model(Path(folder) / NAME).read_bytes()


def damaged(rng: random.Random, content: bytes) -> bytes:
    """Return weights with some bytes of the header changed."""
    end = 8 + struct.unpack("<Q", content[:8])[0]
    changed = bytearray(content)
    for _ in range(rng.choice((1, 2, 5))):
        at = rng.randrange(end)
        changed[at] = rng.choice((rng.randrange(256), ord("0") + rng.randrange(10), ord(rng.choice('"{}[],:-'))))
    return bytes(changed)


def as_case(name: str, content: bytes, file: str = NAME) -> HostileCase:
    """Return a file of weights as a case."""
    return HostileCase(name, ("weights",), {file: content}, named=("weights", NAME))


def parts(content: bytes) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Return the metadata and the tensors of a file."""
    size = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8 : 8 + size])["__metadata__"], load(content)


def _tensors(content: bytes) -> Iterator[HostileCase]:
    """Tensors of another type, of other numbers, of another shape."""
    yield as_case("as it should be", content)
    header, state = parts(content)
    floats = [name for name, value in state.items() if value.is_floating_point()]
    chosen = [floats[0], floats[len(floats) // 2], floats[-1]]

    def changed(change: Callable[[Tensor], Tensor], names: list[str]) -> bytes:
        made = {n: change(v).contiguous() if n in names else v for n, v in state.items()}
        return save(made, metadata=header)

    for kind in (
        torch.int8,
        torch.uint8,
        torch.bool,
        torch.int64,
        torch.float16,
        torch.bfloat16,
        torch.float64,
        torch.float8_e4m3fn,
        torch.complex64,
    ):
        for name in chosen[:2]:
            yield as_case(f"{name} of {kind}", changed(lambda v, kind=kind: v.to(kind), [name]))
        yield as_case(f"all of {kind}", changed(lambda v, kind=kind: v.to(kind), floats))
    for number in (float("nan"), float("inf"), 3e38, -3e38, 1e-45, 0.0):
        for name in chosen[:2]:
            yield as_case(f"{name} of {number}", changed(lambda v, number=number: torch.full_like(v, number), [name]))
    for name in chosen:
        yield as_case(f"{name} one longer", changed(lambda v: torch.cat((v, v[:1])), [name]))
        yield as_case(f"{name} flat", changed(lambda v: v.flatten(), [name]))
        yield as_case(f"{name} empty", changed(lambda v: v[:0], [name]))
        yield as_case(f"{name} a number", changed(lambda v: v.flatten()[0], [name]))
        yield as_case(f"{name} missing", save({n: v for n, v in state.items() if n != name}, metadata=header))
        yield as_case(
            f"{name} under another name",
            save({n.replace(name, name + ".x"): v for n, v in state.items()}, metadata=header),
        )
        yield as_case(
            f"{name} under a name of two lines",
            save({n.replace(name, name + "\n\x1b[31m"): v for n, v in state.items()}, metadata=header),
        )
    yield as_case("no tensors", save({}, metadata=header))
    yield as_case(
        "20,000 tensors more", save(state | {f"x{n}": torch.zeros(1) for n in range(20_000)}, metadata=header)
    )


def _headers(content: bytes) -> Iterator[HostileCase]:
    """A description of the network that is not true, or no network's."""
    header, state = parts(content)
    config = json.loads(header["config"])
    values: dict[str, list[Any]] = {
        "classes": [0, -1, 3, 10**9],
        "short_side": [16_384, 0, 10**9, "64"],
        "long_side": [0, 10**9, 32],
        "backbone": ["resnet50", "../x", "", None],
        "channels": [0, 10**9, 8.5],
        "keypoints": [-1, 10**6],
        "box_width": [10**9],
        "rpn_pre_nms": [10**12, -1],
        "unknown": [1],
    }
    for field, each in values.items():
        for value in each:
            told = header | {"config": json.dumps(config | {field: value})}
            yield as_case(f"{field} {value!r}", save(state, metadata=told))
    texts = [
        "",
        "null",
        "[]",
        "{",
        "[" * 100_000,
        '{"a":' * 10_000,
        json.dumps([{"id": 1}] * 2),
        json.dumps([config] * 2),
        "\0",
        "9" * 5000,
    ]
    for part in ("config", "categories"):
        for text in texts[:: 1 if part == "config" else 2]:
            yield as_case(f"{part} is {text[:12]!r}", save(state, metadata=header | {part: text}))
    yield as_case("a metrics list", save(state, metadata=header | {"metrics": "[1]"}))
    yield as_case("of another program", save(state, metadata={"format": "pt"}))
    yield as_case("without metadata", save(state))


def _bytes(content: bytes) -> Iterator[HostileCase]:
    """Files that are cut off or lie about their own layout."""
    size = struct.unpack("<Q", content[:8])[0]
    for end in (0, 1, 7, 8, 100, 8 + size - 1, 8 + size, len(content) // 2, len(content) - 1):
        yield as_case(f"cut off at {end}", content[:end])
    yield as_case("bytes after its end", content + b"\0" * 64)
    for told in (0, 1, size - 1, size + 1, 100 << 20, 2**62, 2**64 - 1):
        yield as_case(f"header of {told} bytes", struct.pack("<Q", told) + content[8:])
    described = json.loads(content[8 : 8 + size])
    name = next(n for n in described if n != "__metadata__")
    lies = {"shape": [2**40, 2**40], "data_offsets": [0, 2**62], "dtype": "X9"}
    for field, value in (*lies.items(), ("data_offsets", [100, 0]), ("data_offsets", [-4, 4]), ("shape", [-1])):
        told = json.dumps(described | {name: described[name] | {field: value}}).encode()
        yield as_case(f"{field} {value}", struct.pack("<Q", len(told)) + told + content[8 + size :])
    yield as_case("zeros", bytes(10_000))
    yield as_case("text", b"no weights\n" * 100)


class _Harm:
    """What unpickles to a command that makes a file."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch executed",)


def _pickles() -> Iterator[HostileCase]:
    """Pickles in every wrapping that torch knows, under every ending."""
    plain = pickle.dumps(_Harm())
    zipped, archive, built = io.BytesIO(), io.BytesIO(), io.BytesIO()
    torch.save({"w": torch.zeros(3), "harm": _Harm()}, zipped)
    torch.save({"w": torch.zeros(3), "harm": _Harm()}, built, _use_new_zipfile_serialization=False)
    with tarfile.open(fileobj=archive, mode="w") as tar:
        info = tarfile.TarInfo("../../executed")
        info.size = len(plain)
        tar.addfile(info, io.BytesIO(plain))
    contents = {
        "a pickle": plain,
        "torch's ZIP": zipped.getvalue(),
        "torch's old form": built.getvalue(),
        "a tar": archive.getvalue(),
        "a ZIP bomb": _zip_bomb(),
    }
    for name, content in contents.items():
        for suffix in (".pth", ".pt", ".safetensors", ".onnx"):
            yield as_case(f"{name} as {suffix}", content, f"weights{suffix}")


def _zip_bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("archive/data.pkl", bytes(100_000_000))
    return buffer.getvalue()


def _not_files() -> Iterator[HostileCase]:
    yield HostileCase("a pipe", ("weights",), {}, make=fifo(NAME))
    yield HostileCase("a folder", ("weights",), {}, make=lambda folder: (folder / NAME).mkdir())
    yield HostileCase(
        "a link to zeros without end", ("weights",), {}, make=lambda folder: (folder / NAME).symlink_to("/dev/zero")
    )
