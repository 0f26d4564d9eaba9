"""Photos that vanish while a round goes on."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import to_builtins

from dataset.pictures.images import PhotoError
from model.commands import train
from model.data.unreadable_images import UnreadableImages

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.protocol import TrainingEvent

pytestmark = pytest.mark.usefixtures("repeatable", "short_rounds")


def run(
    monkeypatch: pytest.MonkeyPatch, event: str, action: Callable[[], object], given: list[str]
) -> tuple[int, list[dict[str, Any]]]:
    """Train, and do something at the first event of a kind; return the status and all events."""
    events: list[dict[str, Any]] = []

    def on_event(made: TrainingEvent) -> None:
        record = to_builtins(made)
        events.append(record)
        if record["event"] == event and [e["event"] for e in events].count(event) == 1:
            action()

    monkeypatch.setattr(train.console, "event_writer", lambda **_: on_event)
    options = ["--device", "cpu", "--short-side", "64", "--epochs", "2", "--batch", "2"]
    return train.main([*given, *options]), events


def texts(events: list[dict[str, Any]], event: str = "notice") -> list[str]:
    return [e["text"] for e in events if e["event"] == event]


def test_a_photo_is_told_of_once() -> None:
    told: list[str] = []
    missing = UnreadableImages(told.append)
    for name in ("a.jpg", "b.jpg", "a.jpg"):
        missing.add(Path(name), PhotoError("It is gone."))
    assert told == ["Left out a.jpg: It is gone.", "Left out b.jpg: It is gone."]
    copy = pickle.loads(pickle.dumps(missing))
    copy.add(Path("c.jpg"), PhotoError("It is gone."))
    assert len(told) == 2, "a worker process tells nobody"
    assert copy.paths == {*missing.paths, Path("c.jpg")}


@pytest.mark.parametrize("freeze", ["heads", pytest.param("none", marks=pytest.mark.slow)])
def test_a_round_goes_on_without_photos_that_vanish(
    coco_file: Callable[..., Path], parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, freeze: str
) -> None:
    annotations, output = coco_file(11), tmp_path / "a.safetensors"
    photos = annotations.parent / "images"
    split = tmp_path / "split.json"
    given = [str(annotations), "--from", str(parent), "--output", str(output), "--freeze", freeze]
    given += ["--split", str(split), "--forget"]

    def vanish() -> None:
        for number in (1, 2, 3, 4):
            (photos / f"photo {number}.png").unlink()
        (photos / "photo 5.png").write_bytes(b"no photo any more")

    status, events = run(monkeypatch, "validation", vanish, given)
    assert status == 0
    (result,) = [e for e in events if e["event"] == "result"]
    left = texts(events)
    assert {text.split("Left out ")[1].split(": ")[0] for text in left} == {
        str(photos / f"photo {number}.png") for number in range(1, 6)
    }
    assert len(left) == 5, "each is told of once, whether it trains or measures"
    start = events[0]
    lost = start["val"] - result["photos"]
    assert 0 <= lost <= start["val"]
    assert output.exists()


def test_measured_is_what_both_models_have_seen(
    coco_file: Callable[..., Path], parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    annotations = coco_file(3)
    given = [str(annotations), "--from", str(parent), "--output", str(tmp_path / "a.safetensors"), "--forget"]
    gone = annotations.parent / "images" / "photo 2.png"
    status, events = run(monkeypatch, "validation", gone.unlink, given)
    assert status == 0
    assert texts(events) == [f"Left out {gone}: The file does not exist."]
    (result,) = [e for e in events if e["event"] == "result"]
    assert (events[0]["val"], result["photos"]) == (3, 2)
    assert "2 photos" in result["sentence"]


def test_what_a_worker_cannot_read_the_process_that_trains_learns(
    coco_file: Callable[..., Path], parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    annotations = coco_file(11)
    photos = annotations.parent / "images"
    given = [str(annotations), "--from", str(parent), "--output", str(tmp_path / "a.safetensors"), "--forget"]
    given += ["--freeze", "none", "--workers", "1"]
    away = [str(p) for p in photos.glob("*.png")]
    status, events = run(monkeypatch, "preview", lambda: [Path(p).unlink() for p in away if Path(p).exists()], given)
    assert status == 2
    assert texts(events, "error") == [
        f"None of the photos can be read any more: is their folder, {photos}, still there?"
    ]
    left = texts(events)
    assert len(left) == len(set(left)) > 0


@pytest.mark.parametrize("freeze", ["heads", "none"])
def test_when_all_are_gone_it_is_said(
    coco_file: Callable[..., Path], parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, freeze: str
) -> None:
    annotations = coco_file(2)
    photos = annotations.parent / "images"
    given = [str(annotations), "--from", str(parent), "--output", str(tmp_path / "a.safetensors"), "--freeze", freeze]
    away = [str(p) for p in photos.glob("*.png")]
    status, events = run(monkeypatch, "start", lambda: [Path(p).unlink() for p in away], given)
    assert status == 2
    assert texts(events, "error") == [
        f"None of the photos can be read any more: is their folder, {photos}, still there?"
    ]
