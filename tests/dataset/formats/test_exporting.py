from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dataset.formats.base import CancelledError, ClassRecord, Dataset, Format, ImageRecord, formats
from dataset.formats.exporting import export

CLASSES = (ClassRecord("cup"),)


def _data(folder: Path) -> Dataset:
    folder.mkdir()
    for n in range(3):
        (folder / f"{n}.jpg").write_bytes(b"photo")
    return Dataset(folder, CLASSES, tuple(ImageRecord(f"{n}.jpg", (8, 8)) for n in range(3)))


@pytest.mark.parametrize("file_format", [f for f in formats() if f.write], ids=lambda f: f.name)
def test_an_export_that_is_cancelled_leaves_everything_as_it_was(tmp_path: Path, file_format: Format) -> None:
    data, target = _data(tmp_path / "photos"), tmp_path / ("new" + file_format.suffix)
    seen: list[tuple[int, int]] = []

    def cancel_late(done: int, total: int) -> None:
        seen.append((done, total))
        if done >= total - 1:
            raise CancelledError("enough")

    with pytest.raises(CancelledError):
        export(file_format, data, target, on_progress=cancel_late)
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]
    assert seen == [(n, len(seen)) for n in range(len(seen))], "in order, and how many there are"

    count = export(file_format, data, target)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert sum(path.is_file() for path in before) == 3 + count, "nothing of the way there is left"
    with pytest.raises(CancelledError):
        export(file_format, data, target, overwrite=True, on_progress=cancel_late)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}.keys() == before.keys()


def test_files_are_written_while_the_next_are_made(tmp_path: Path) -> None:
    """So that all of them need not fit into memory."""

    def write(data: Dataset, _target: Path) -> Iterator[tuple[str, tuple[bytes, ...]]]:
        for image in data.images:
            staged = sum(path.is_file() for path in (tmp_path / "out").rglob("*"))
            yield f"{image.name}.txt", (b"%d" % staged, b" there")

    data = _data(tmp_path / "photos")
    assert export(Format("toy", "Toy", write=write), data, tmp_path / "out") == 3
    assert (tmp_path / "out" / "2.jpg.txt").read_bytes() == b"2 there"
