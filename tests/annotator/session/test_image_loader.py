from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from annotator.session.image_loader import DecodedImage, ImageCache, ImageLoader, decode
from dataset.images import PhotoError
from tests.qt import arguments


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
    color = photo.image.pixelColor(44, 30)
    assert [color.red(), color.green(), color.blue()] == expected[30, 44].tolist()


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
    found: list[DecodedImage] = []
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
