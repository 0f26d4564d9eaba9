from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from annotator.app import Application
from annotator.session import image_cache
from annotator.session.decoded_image import DecodedImage, decode
from annotator.session.image_cache import ImageCache, LateError
from annotator.session.image_loader import ImageLoader
from dataset.pictures.images import PhotoError
from dataset.regular_files import open_regular
from tests.qt import arguments
from tests.tiny_model import write_tiny_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        Image.fromarray(rng.integers(0, 255, (31, 45, 3), dtype=np.uint8)).save(tmp_path / f"{name}.png")
    (tmp_path / "broken.jpg").write_bytes(b"")
    return tmp_path


def test_the_window_and_the_model_see_the_files_pixels(folder: Path) -> None:
    photo = decode(folder / "a.png")
    assert photo.size == (45, 31)
    expected = np.asarray(Image.open(folder / "a.png"))
    np.testing.assert_array_equal(photo.rgb(), expected)
    assert list(photo.pyramid.pixel(44, 30)) == expected[30, 44].tolist()


def test_the_cache_forgets_the_oldest_beyond_its_size(folder: Path) -> None:
    cache = ImageCache(capacity=2 * 45 * 31 * 4)
    first = cache.get(folder / "a.png")
    cache.get(folder / "b.png")
    assert cache.peek(folder / "a.png") is first
    cache.get(folder / "c.png")
    assert cache.peek(folder / "b.png") is None
    assert cache.peek(folder / "a.png") is first


def test_two_threads_that_want_a_photo_share_one_decoding(folder: Path) -> None:
    cache = ImageCache()
    found: list[DecodedImage | None] = []
    threads = [threading.Thread(target=lambda: found.append(cache.get(folder / "a.png"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(photo is found[0] for photo in found)


def test_a_photo_that_cannot_be_read_says_why_every_time(folder: Path) -> None:
    cache = ImageCache()
    for _ in range(2):
        with pytest.raises(PhotoError):
            cache.get(folder / "broken.jpg")


def test_the_loader_answers_for_the_photo_asked_for_and_keeps_the_next_ready(qtbot: QtBot, folder: Path) -> None:
    cache = ImageCache()
    loader = ImageLoader(cache)
    with qtbot.waitSignal(loader.loaded) as signal:
        loader.show(folder / "a.png", [folder / "b.png"])
    path, photo = arguments(signal)
    assert path == folder / "a.png"
    assert photo.size == (45, 31)
    qtbot.waitUntil(lambda: cache.peek(folder / "b.png") is not None)
    loader.close()


def test_the_loader_tells_what_cannot_be_read_and_goes_on(qtbot: QtBot, folder: Path) -> None:
    loader = ImageLoader(ImageCache())
    with qtbot.waitSignal(loader.failed) as signal:
        loader.show(folder / "broken.jpg", [])
    assert arguments(signal)[0] == folder / "broken.jpg"
    assert "empty" in arguments(signal)[1] or "0 bytes" in arguments(signal)[1]
    with qtbot.waitSignal(loader.loaded):
        loader.show(folder / "c.png", [])
    loader.close()


@pytest.fixture
def stuck(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A photo whose disk does not answer: opening it blocks in the system until `answer`."""
    if sys.platform == "win32":
        pytest.skip("there are no pipes in Windows' folders")
    path = folder / "stuck.png"
    path.write_bytes((folder / "a.png").read_bytes())
    os.mkfifo(folder / "disk")

    def open_late(asked: Path) -> object:
        if asked == path:
            with (folder / "disk").open("rb", buffering=0) as disk:
                disk.read(1)  # once for the header, once for the pixels
        return open_regular(asked)

    monkeypatch.setattr("dataset.pictures.images.open_regular", open_late)
    held = os.open(folder / "disk", os.O_RDWR)
    yield path
    os.write(held, bytes(9))
    deadline = time.monotonic() + 5
    while any(thread.name == "photo_reader" for thread in threading.enumerate()) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.close(held)


def answer(path: Path) -> None:
    """Let a stuck photo be read."""
    with (path.parent / "disk").open("wb") as disk:
        disk.write(b"\0\0")


def test_a_disk_that_does_not_answer_holds_up_no_other_photo(qtbot: QtBot, folder: Path, stuck: Path) -> None:
    loader = ImageLoader(ImageCache())
    loader.show(stuck, [])
    time.sleep(0.1)
    begin = time.monotonic()
    with qtbot.waitSignal(loader.loaded, timeout=10_000):
        loader.show(folder / "a.png", [stuck])
    assert time.monotonic() - begin < 4
    begin = time.monotonic()
    loader.close()
    assert time.monotonic() - begin < 1


def test_what_is_on_its_way_when_all_is_forgotten_is_not_kept(stuck: Path) -> None:
    cache = ImageCache()
    found: list[DecodedImage] = []
    cache.when_read(stuck, found.append)
    cache.clear()
    assert not cache.close(0.05)
    answer(stuck)
    assert cache.close(5)
    assert len(found) == 1  # whoever waits has it
    assert cache.peek(stuck) is None
    answer(stuck)
    assert cache.get(stuck) is not found[0]


def test_a_photo_that_is_late_is_told_and_shown_once_it_is_there(
    qtbot: QtBot, stuck: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_cache, "LATE_SECONDS", 0.2)
    cache = ImageCache()
    loader = ImageLoader(cache)
    with qtbot.waitSignal(loader.failed) as signal:
        loader.show(stuck, [])
    assert "still being read" in arguments(signal)[1]
    assert not cache.close(0.1)
    with qtbot.waitSignal(loader.loaded) as signal:
        answer(stuck)
    assert arguments(signal)[0] == stuck
    loader.close()


def test_a_disk_that_answers_nothing_is_asked_no_more(
    folder: Path, stuck: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_cache, "LATE_SECONDS", 0.05)
    monkeypatch.setattr(image_cache, "MAX_LATE", 1)
    cache = ImageCache()
    with pytest.raises(LateError):
        cache.get(stuck)
    before = threading.active_count()
    with pytest.raises(LateError):
        cache.get(folder / "a.png")
    assert threading.active_count() == before


def test_the_model_goes_on_and_the_window_closes_while_a_disk_does_not_answer(
    qtbot: QtBot, run_application: Callable[..., Application], folder: Path, stuck: Path, tmp_path: Path
) -> None:
    application = run_application(weights=str(write_tiny_model(tmp_path / "tiny.safetensors")), device="cpu")
    session = application.session
    application.start(folder)
    qtbot.waitUntil(lambda: session.document is not None and session.document.name == "a.png", timeout=10_000)
    session.go_to("stuck.png")
    qtbot.wait(100)
    answers: list[str] = []
    application.suggester.suggested.connect(lambda found: answers.append(found.name))
    session.go_to("c.png")
    qtbot.waitUntil(lambda: session.document is not None and session.document.name == "c.png", timeout=10_000)
    qtbot.waitUntil(lambda: "c.png" in answers, timeout=60_000)
    begin = time.monotonic()
    application.window.close()
    assert not application.close(0.2), "a reading is left behind"
    assert time.monotonic() - begin < 3


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every photo of the folder is taken for a large one."""
    monkeypatch.setattr(image_cache, "LARGE_PIXELS", 45 * 31 - 1)


@pytest.mark.usefixtures("large")
def test_of_large_photos_none_is_read_ahead_and_the_one_shown_last_is_kept(folder: Path) -> None:
    cache = ImageCache(capacity=1)
    first = cache.get(folder / "a.png")
    assert cache.get(folder / "b.png", ahead=True) is None
    assert cache.get(folder / "c.png", keep=False) is not None
    assert cache.peek(folder / "a.png") is first
    assert cache.get(folder / "b.png") is cache.peek(folder / "b.png") is not None
    assert cache.peek(folder / "a.png") is None


@pytest.mark.usefixtures("large")
def test_a_large_photo_is_read_for_who_shows_it_also_where_it_was_about_to_be_passed_over(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, begun, going = ImageCache(), threading.Event(), threading.Event()

    def size_of(path: Path) -> tuple[int, int]:
        begun.set()
        assert going.wait(5)
        return decode(path).size

    monkeypatch.setattr(image_cache, "size_of", size_of)
    ahead = threading.Thread(target=lambda: cache.get(folder / "a.png", ahead=True))
    ahead.start()
    assert begun.wait(5)
    photo = []
    shown = threading.Thread(target=lambda: photo.append(cache.get(folder / "a.png", lambda _s: bool(going.set()))))
    shown.start()
    shown.join(5)
    ahead.join(5)
    assert photo == [cache.peek(folder / "a.png")]
    assert photo[0] is not None


def test_a_photo_that_came_between_two_looks_is_not_decoded_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ImageCache()
    first = cache.get(folder / "a.png")
    monkeypatch.setattr(cache, "peek", lambda _path: None)
    assert cache.get(folder / "a.png") is first
