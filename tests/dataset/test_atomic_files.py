from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dataset import atomic_files
from dataset.atomic_files import (
    copy_file,
    free_name,
    remove_leftovers,
    replace_file,
    replacement,
    write_bytes,
)


def _kept(path: Path) -> Path:
    return free_name(path, "theirs")


@pytest.mark.parametrize("swaps", [True, False])
def test_a_version_that_comes_while_ours_is_written_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, swaps: bool
) -> None:
    if not swaps:  # as where the system has no such rename
        monkeypatch.setattr(atomic_files, "put_or_swap", lambda _new, _path: None)
    path, other = tmp_path / "a.json", tmp_path / "other"
    ours = replace_file(path, [b"ours"])
    other.write_bytes(b"theirs")

    def place(found: Path) -> Path | None:
        return None if ours.is_of(found) else _kept(path)

    def come(_size: int, _sha256: str) -> None:
        other.replace(path)

    replace_file(path, [b"ours", b" again"], come, place_for=place)
    assert path.read_bytes() == b"ours again"
    assert _kept(path) == tmp_path / "a.theirs-2.json"
    assert (tmp_path / "a.theirs.json").read_bytes() == b"theirs"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_program_that_is_still_writing_its_version_writes_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    ours = replace_file(path, [b"ours"])
    with path.open("wb") as theirs:
        theirs.write(b"the")
        theirs.flush()
        replace_file(path, [b"new"], place_for=lambda found: None if ours.is_of(found) else _kept(path))
        theirs.write(b"irs")
    assert path.read_bytes() == b"new"
    assert (tmp_path / "a.theirs.json").read_bytes() == b"theirs"


def test_what_cannot_be_kept_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"theirs")
    with pytest.raises(OSError, match="none"):
        replace_file(path, [b"ours"], place_for=lambda _found: tmp_path / "none" / "a.json")
    assert path.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_a_first_file_replaces_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    replace_file(path, [b"1"], place_for=_kept)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a.json", b"1")]
    with pytest.raises(OSError, match="none"):
        replace_file(tmp_path / "none" / "a.json", [b"1"], place_for=_kept)


def test_a_folder_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.json" / "inside").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        replace_file(tmp_path / "a.json", [b"1"], place_for=_kept)
    assert (tmp_path / "a.json" / "inside").is_dir()
    assert list(tmp_path.iterdir()) == [tmp_path / "a.json"]


def test_a_write_protected_file_is_replaced_only_where_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"precious")
    path.chmod(0o444)
    for write in (lambda: replace_file(path, [b"x"]), lambda: write_bytes(path, b"x")):
        with pytest.raises(OSError, match="write-protected") as caught:
            write()
        assert caught.value.filename == str(path)
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]
    replace_file(path, [b"x"], even_protected=True)
    assert path.read_bytes() == b"x"
    assert stat.S_IMODE(path.stat().st_mode) == 0o444


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="links need no rights here")
def test_links_that_wait_beside_a_file_are_not_followed(tmp_path: Path) -> None:
    path, precious = tmp_path / "a.json", tmp_path / "precious"
    precious.write_bytes(b"precious")
    for name in (".a.json.tmp", f".a.json.{os.getpid()}.tmp", ".a.json.part"):
        (tmp_path / name).symlink_to(precious)
    replace_file(path, [b"1"])
    write_bytes(path, b"2")
    with replacement(path) as file:
        file.write(b"3")
    assert precious.read_bytes() == b"precious"
    (tmp_path / "b.json").symlink_to(tmp_path / "made by a copy")
    with pytest.raises(FileExistsError):
        copy_file(path, tmp_path / "b.json")
    assert not (tmp_path / "made by a copy").exists()


def test_the_name_of_a_temporary_file_cannot_be_foreseen(tmp_path: Path) -> None:
    names: set[str] = set()

    def chunks() -> Iterator[bytes]:
        names.update(p.name for p in tmp_path.iterdir() if p.suffix == ".tmp")
        yield b"1"

    for _ in range(2):
        replace_file(tmp_path / "a.json", chunks())
    assert len(names) == 2


def test_what_killed_processes_have_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    code = (
        "import os, sys; from pathlib import Path; from dataset.atomic_files import replace_file\n"
        "def chunks():\n yield b'half'\n os.kill(os.getpid(), 9)\n"
        "replace_file(Path(sys.argv[1]), chunks())"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    (tmp_path / ".a.json.tmp").write_bytes(b"as before there were random names")
    others = {".a.json.mine.tmp", ".a.json.0123456789abcdeg.tmp", ".b.json.0123456789abcdef.tmp", "a.json.tmp"}
    for name in others:
        (tmp_path / name).touch()
    remove_leftovers(path)
    assert {p.name for p in tmp_path.iterdir()} == others


def test_a_secret_file_is_never_readable_by_others_on_the_way(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.touch(mode=0o600)
    modes = []

    def about_to(_size: int, _sha256: str) -> None:
        modes.extend(stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir())

    replace_file(path, [b"1"], about_to)
    assert modes == [0o600, 0o600]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
