from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

import main
from annotator.core.store.coco_codec import CocoError
from annotator.core.store.store import Store
from annotator.core.training_runs import TrainingRuns
from dataset.coco.reader import DataError, load_coco
from dataset.formats import coco as coco_format
from dataset.formats import labelme as labelme_format
from dataset.messages import UserError
from dataset.regular_files import MAX_FILE, LargeFileError, NotRegularFileError, open_regular, read_regular
from model.checkpoints.checkpoint import read_state
from model.commands.list_models import in_use
from model.data.train_val_split import read as read_split

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes in Windows' folders")


def test_a_file_is_opened(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    for name in ("a", "link"):
        with open_regular(tmp_path / name) as file:
            assert os.get_blocking(file.fileno())
            assert file.read() == b"abc"


def test_a_file_that_claims_more_than_memory_holds_is_refused_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (8, 6)).save(tmp_path / "a.png")
    file, out = tmp_path / "large.json", tmp_path / "out"
    with file.open("wb") as large:
        large.truncate(MAX_FILE + 1)
    with pytest.raises(LargeFileError, match="is larger than 8 GB"):
        read_regular(file)
    to = ["--output", str(out)]
    for command, *more in (["check"], ["merge", str(file), *to], ["split", *to]):
        assert main.main([command, str(file), *more]) == 2
        err = capsys.readouterr().err
        assert f"{file} is larger than 8 GB; split it into smaller files." in err
        assert err.count("\n") == 1
    with pytest.raises(DataError, match="is larger than 8 GB"):
        load_coco(file)
    with pytest.raises(CocoError, match="is larger than 8 GB"):
        Store.open(tmp_path, file, fallback=tmp_path / "private")


def test_pipes_sockets_and_devices_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as own:
        own.bind(str(tmp_path / "socket"))
        for name in ("pipe", "device", "link", "socket"):
            with pytest.raises(NotRegularFileError) as caught:
                open_regular(tmp_path / name)
            assert "not a file" in (caught.value.strerror or "")
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path)


def test_a_pipe_that_takes_the_place_of_a_file_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    # What it was when its status was asked for.
    status = os.stat_result((tmp_path / "file").stat())
    with monkeypatch.context() as patch:
        patch.setattr("dataset.regular_files.os.stat", lambda _path: status)
        with pytest.raises(NotRegularFileError):
            open_regular(tmp_path / "pipe")


@pytest.mark.skipif(sys.platform != "linux", reason="leases are Linux's")
def test_a_file_that_a_file_server_gives_back_soon_is_waited_for(tmp_path: Path) -> None:
    import fcntl
    import signal

    path = tmp_path / "a"
    path.write_bytes(b"abc")
    before = signal.signal(signal.SIGIO, lambda *_: None)  # the system's word that somebody waits for it
    try:
        with path.open("rb") as file:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            found: list[bytes] = []

            def read() -> None:
                with open_regular(path) as other:
                    found.append(other.read())

            thread = threading.Thread(target=read)
            thread.start()
            time.sleep(0.1)
            assert not found
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
            thread.join(5)
            assert found == [b"abc"]
    finally:
        signal.signal(signal.SIGIO, before)


def read_nothing(read: Callable[[Path], object], path: Path) -> None:
    """A reader that opens the pipe itself waits here until the test is ended."""
    os.mkfifo(path)
    with pytest.raises(UserError, match="pipe") as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_annotations_that_are_a_pipe_are_refused_with_their_name(tmp_path: Path) -> None:
    read_nothing(load_coco, tmp_path / "annotations.json")
    read_nothing(lambda path: coco_format.read(path, tmp_path), tmp_path / "coco.json")
    read_nothing(lambda path: labelme_format.read(path, tmp_path), tmp_path / "labelme.json")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "folder" / "a.json")
    with pytest.raises(UserError, match=r"a\.json.*pipe"):
        labelme_format.read(tmp_path / "folder", tmp_path)
    read_nothing(lambda path: Store.open(tmp_path, path, fallback=tmp_path / "else"), tmp_path / "other.json")


def test_files_of_ours_that_are_pipes_hold_up_nothing(tmp_path: Path) -> None:
    for name in ("models/in_use", "training/run.json", "training/split.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        os.mkfifo(tmp_path / name)
    assert TrainingRuns(tmp_path).in_use == ""
    assert read_split(tmp_path / "training" / "split.json") == {}
    assert in_use(tmp_path / "models") == "builtin"
    with pytest.raises(NotRegularFileError):
        read_state(tmp_path / "models" / "in_use")
