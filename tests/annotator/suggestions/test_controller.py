from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from annotator.core import edits
from annotator.core.document import Document, Status
from annotator.core.image_filter import Filter
from annotator.core.training_set import TrainingPhoto
from annotator.finetune.collect_photos import PhotoCollector
from annotator.session.image_cache import ImageCache
from annotator.session.session import Session
from annotator.settings import Settings
from annotator.suggestions.controller import MODEL_CLASS, SuggestionController
from annotator.suggestions.inference_worker import InferenceWorker
from resources import SAMPLES
from tests.qt import arguments
from tests.tiny_model import write_tiny_model

LONG = 30_000


@dataclass
class Parts:
    session: Session
    suggester: InferenceWorker
    flow: SuggestionController

    @property
    def document(self) -> Document:
        assert self.session.document
        return self.session.document

    def close(self) -> None:
        self.suggester.close()
        self.session.close()


Start = Callable[[], Parts]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(3):
        shutil.copy(SAMPLES / "coffee.jpg", photos / f"{i}.jpg")
    return photos


@pytest.fixture
def start(qtbot: QtBot, tmp_path: Path, folder: Path) -> Iterator[Start]:
    weights = write_tiny_model(tmp_path / "tiny.safetensors")
    running: list[Parts] = []

    def run() -> Parts:
        settings = Settings(QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat))
        settings.threshold = 0.05
        cache = ImageCache()
        session, suggester = Session(settings, cache), InferenceWorker(cache)
        parts = Parts(session, suggester, SuggestionController(session, suggester))
        running.append(parts)
        session.open(folder)
        suggester.load(str(weights))
        return parts

    yield run
    for parts in running:
        parts.close()


def _has_pool(parts: Parts) -> bool:
    return parts.session.document is not None and parts.session.document.has_pool


def _statuses(parts: Parts) -> list[Status]:
    return [parts.session.photos.status(i) for i in range(len(parts.session.photos))]


def _coco(folder: Path, *names: str) -> None:
    categories = [{"id": 10 + i, "name": name} for i, name in enumerate(names)]
    (folder / "annotations.json").write_text(json.dumps({"images": [], "annotations": [], "categories": categories}))


def test_a_folder_without_classes_takes_the_models(qtbot: QtBot, start: Start) -> None:
    parts = start()
    qtbot.waitUntil(lambda: _has_pool(parts), timeout=LONG)
    person = parts.session.categories.find("person")
    assert [c.name for c in parts.session.categories] == ["person", "Cup"]
    assert person
    assert person.keypoint_names == ("nose", "tail")
    assert person.skeleton == ((0, 1),)
    assert parts.document.suggestions
    qtbot.waitUntil(lambda: _statuses(parts)[-1:] == [Status.SUGGESTED], timeout=LONG)
    assert parts.session.photos.suggestions(0) > 0


def test_only_classes_of_the_project_are_suggested_until_the_others_are_added(
    qtbot: QtBot, start: Start, folder: Path
) -> None:
    _coco(folder, "cup", "spoon")
    parts = start()
    with qtbot.waitSignal(parts.flow.unmatched, timeout=LONG) as signal:
        pass
    assert arguments(signal)[0] == ["person"]
    qtbot.waitUntil(lambda: _has_pool(parts), timeout=LONG)
    assert {s.category_id for s in parts.document.suggestions} == {10}, "matched by name, whatever its case"
    few = len(parts.document.suggestions)
    assert parts.session.photos.suggestions(0) == few, "the list counts what is on offer"
    parts.flow.add_model_classes()
    assert [c.name for c in parts.session.categories] == ["cup", "spoon", "person"]
    assert len(parts.document.suggestions) > few
    qtbot.waitUntil(lambda: parts.session.photos.suggestions(0) == len(parts.document.suggestions), timeout=LONG)


def test_a_renamed_class_goes_on_getting_its_suggestions_also_after_a_restart(qtbot: QtBot, start: Start) -> None:
    parts = start()
    qtbot.waitUntil(lambda: _has_pool(parts), timeout=LONG)
    count = len(parts.document.suggestions)
    person = parts.session.categories.find("person")
    assert person
    parts.session.categories.rename(person.id, "worker")
    assert parts.session.categories[person.id].extra[MODEL_CLASS] == "person"
    assert len(parts.document.suggestions) == count
    parts.close()
    again = start()
    qtbot.waitUntil(lambda: _has_pool(again), timeout=LONG)
    assert [c.name for c in again.session.categories] == ["worker", "Cup"]
    assert len(again.document.suggestions) == count


def test_the_threshold_acts_at_once_and_the_counts_follow(qtbot: QtBot, start: Start) -> None:
    parts = start()
    qtbot.waitUntil(lambda: len(parts.session.photos) == 3 and parts.session.photos.suggestions(2) > 0, timeout=LONG)
    scores = sorted(s.score or 0 for s in parts.document.suggestions)
    middle = scores[len(scores) // 2] + 1e-6
    parts.flow.set_threshold(middle)
    assert len(parts.document.suggestions) == sum(score >= middle for score in scores)
    parts.flow.set_threshold(0.99)
    qtbot.waitUntil(lambda: _statuses(parts) == [Status.NEW] * 3)


def test_statuses_of_earlier_sessions_come_back_without_running_the_model(qtbot: QtBot, start: Start) -> None:
    parts = start()
    qtbot.waitUntil(lambda: len(parts.session.photos) == 3 and parts.session.photos.suggestions(2) > 0, timeout=LONG)
    parts.close()
    again = start()
    heard = []
    again.flow.speed.connect(heard.append)
    qtbot.waitUntil(lambda: _statuses(again) == [Status.SUGGESTED] * 3, timeout=LONG)
    qtbot.waitUntil(lambda: _has_pool(again), timeout=LONG)
    assert not heard


def test_what_is_listed_is_looked_at_next(qtbot: QtBot, start: Start, folder: Path) -> None:
    for i in range(3, 6):
        shutil.copy(SAMPLES / "coffee.jpg", folder / f"{i}.jpg")
    parts = start()
    qtbot.waitUntil(lambda: _has_pool(parts), timeout=LONG)
    parts.session.photos.set_filter(Filter("5"))
    qtbot.waitUntil(lambda: parts.session.photos.looked_at(5), timeout=LONG)
    assert not parts.session.photos.looked_at(4)


def test_what_was_on_offer_in_photos_that_are_done_is_found_whenever_the_model_answered(
    qtbot: QtBot, start: Start, folder: Path
) -> None:
    _coco(folder, "cup")
    parts = start()
    session, flow = parts.session, parts.flow
    qtbot.waitUntil(lambda: session.document is not None, timeout=LONG)
    assert not parts.document.has_pool, "the model is being loaded"
    session.push(edits.mark_done(parts.document, done=True))
    qtbot.waitUntil(lambda: _has_pool(parts), timeout=LONG)
    early = parts.document.suggestions
    session.go(1)
    qtbot.waitUntil(lambda: _has_pool(parts), timeout=LONG)
    session.push(edits.mark_done(parts.document, done=True))
    asked = parts.document.suggestions
    session.set_threshold(early[1].score or 0.0)
    collector = PhotoCollector(session, session)
    assert session.store
    with qtbot.waitSignal(collector.done) as found:
        collector.start(session.store, "builtin", flow.offers())
    photos: list[TrainingPhoto] = arguments(found)[0].photos
    assert [photo.name for photo in photos] == ["0.jpg", "1.jpg"]
    shapes = [[(s.category_id, s.score, s.shape) for s in photo.unanswered] for photo in photos]
    assert shapes[0] == [(s.category_id, s.score, s.shape) for s in early[:2]], "over the threshold of now"
    assert shapes[1] == [(s.category_id, s.score, s.shape) for s in asked], "over that of when it was marked"
