"""Files that are replaced in one step, folder included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dataset.atomic_files import write_bytes

if TYPE_CHECKING:
    from pathlib import Path


def test_the_folder_is_made_and_nothing_is_left_beside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.bin"
    write_bytes(path, b"first")
    write_bytes(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(path.parent.iterdir()) == [path]


def test_an_error_names_the_file_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="file") as caught:
        write_bytes(tmp_path / "file" / "a.bin", b"x")
    assert caught.value.filename == str(tmp_path / "file" / "a.bin")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder") as caught:
        write_bytes(tmp_path / "folder", b"x")
    assert caught.value.filename == str(tmp_path / "folder")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]
