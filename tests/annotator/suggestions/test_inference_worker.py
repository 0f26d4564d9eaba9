from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from pytestqt.qtbot import QtBot
from shapely import box

from annotator.core.annotation import Annotation, Origin
from annotator.session.image_cache import ImageCache
from annotator.suggestions.inference_worker import InferenceWorker
from annotator.suggestions.messages import FolderProgress, ModelInfo, Suggestions, to_suggestion
from annotator.suggestions.model_in_use import sentence
from dataset.pictures import images
from model.inference.engine import MemoryFullError
from model.inference.engines.torch_engine import TorchEngine
from model.inference.instance import Instance
from model.inference.predictor import Predictor
from resources import SAMPLES
from tests.qt import arguments
from tests.tiny_model import write_tiny_model

LONG = 30_000


class Pools:
    """A real, if forgetful, place for pools."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], tuple[Annotation, ...]] = {}

    def get(self, name: str, model: str) -> tuple[Annotation, ...] | None:
        return self.kept.get((name, model))

    def scores(self, name: str, model: str) -> tuple[tuple[float, int], ...] | None:
        pool = self.get(name, model)
        return None if pool is None else tuple((s.score or 0.0, s.category_id) for s in pool)

    def names(self, model: str) -> set[str]:
        return {name for name, of in self.kept if of == model}

    def put(self, name: str, model: str, suggestions: tuple[Annotation, ...]) -> None:
        self.kept[name, model] = suggestions


class Heard:
    def __init__(self, suggester: InferenceWorker) -> None:
        self.answers: list[Suggestions] = []
        self.progress: list[FolderProgress | None] = []
        self.failures: list[str] = []
        self.notices: list[str] = []
        self.cached_scores: dict[str, tuple[float, ...]] = {}
        self.models: list[ModelInfo] = []
        suggester.suggested.connect(self.answers.append)
        suggester.progress.connect(self.progress.append)
        suggester.failed.connect(lambda sentence, _weights: self.failures.append(sentence))
        suggester.notice.connect(self.notices.append)
        suggester.cached_scores.connect(lambda _model, scores: self.cached_scores.update(scores))
        suggester.loaded.connect(self.models.append)

    @property
    def names(self) -> list[str]:
        return [answer.name for answer in self.answers]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(6):
        shutil.copy(SAMPLES / "coffee.jpg", photos / f"{i}.jpg")
    return photos


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "tiny.safetensors")


@pytest.fixture
def suggester(qtbot: QtBot) -> Iterator[InferenceWorker]:
    suggester = InferenceWorker(ImageCache())
    yield suggester
    suggester.close()


def _load(qtbot: QtBot, suggester: InferenceWorker, weights: Path) -> ModelInfo:
    with qtbot.waitSignal(suggester.loaded, timeout=LONG) as signal:
        suggester.load(str(weights))
    return arguments(signal)[0]


def _predictor(suggester: InferenceWorker) -> Predictor:
    assert suggester._model
    predictor = suggester._model._predictor
    assert isinstance(predictor, Predictor)
    return predictor


def test_a_model_tells_its_classes_with_skeletons_from_zero(
    qtbot: QtBot, suggester: InferenceWorker, weights: Path
) -> None:
    info = _load(qtbot, suggester, weights)
    assert (info.name, info.device) == ("tiny.safetensors", "cuda" if torch.cuda.is_available() else "cpu")
    assert [(c.id, c.name, c.keypoint_names, c.skeleton) for c in info.categories] == [
        (1, "person", ("nose", "tail"), ((0, 1),)),
        (2, "Cup", (), ()),
    ]


def test_the_shown_photo_comes_first_then_the_next_ones(
    qtbot: QtBot, suggester: InferenceWorker, folder: Path, weights: Path
) -> None:
    heard, pools = Heard(suggester), Pools()
    suggester.set_source(folder, pools)
    suggester.suggest_all([f"{i}.jpg" for i in range(6)])
    suggester.show("3.jpg", ["4.jpg", "5.jpg"])
    info = _load(qtbot, suggester, weights)
    qtbot.waitUntil(lambda: bool(heard.progress) and heard.progress[-1] is None, timeout=LONG)
    assert heard.names[:4] == ["3.jpg", "4.jpg", "5.jpg", "0.jpg"]
    assert pools.names(info.id) == {f"{i}.jpg" for i in range(6)}
    totals = [(p.done, p.total) for p in heard.progress if p]
    assert totals == [(i, 6) for i in range(1, 6)]
    first = heard.answers[0]
    assert first.model_id == info.id
    assert first.milliseconds is not None
    assert first.pool, "a network with random weights is unsure, and the pool keeps what is unsure"
    assert all(s.id < 0 and s.origin is Origin.SUGGESTED and (s.score or 0) >= 0.05 for s in first.pool)
    assert heard.answers[-1].milliseconds is None or heard.names.count(heard.answers[-1].name) == 1


def test_the_newest_request_wins(qtbot: QtBot, suggester: InferenceWorker, folder: Path, weights: Path) -> None:
    heard = Heard(suggester)
    suggester.set_source(folder, Pools())
    for i in range(5):
        suggester.show(f"{i}.jpg", [f"{i + 1}.jpg"])
    _load(qtbot, suggester, weights)
    qtbot.waitUntil(lambda: len(heard.answers) == 2, timeout=LONG)
    assert heard.names == ["4.jpg", "5.jpg"]


@pytest.mark.slow
def test_answers_of_earlier_sessions_are_found_and_recalled(
    qtbot: QtBot, suggester: InferenceWorker, folder: Path, weights: Path
) -> None:
    heard, pools = Heard(suggester), Pools()
    pool = (Annotation(-1, 1, origin=Origin.SUGGESTED, score=0.9),)
    for i in range(30):
        pools.put(f"{i}.jpg", Predictor(weights).id, pool)
    suggester.set_source(folder, pools)
    suggester.show("1.jpg", [])
    _load(qtbot, suggester, weights)
    qtbot.waitUntil(lambda: len(heard.cached_scores) == 30, timeout=LONG)
    assert heard.cached_scores["7.jpg"] == ((0.9, 1),)
    assert heard.answers == [Suggestions("1.jpg", heard.models[0].id, pool, None)]


def test_another_model_has_another_id(tmp_path: Path) -> None:
    ids = {Predictor(write_tiny_model(tmp_path / f"{seed}.safetensors", seed)).id for seed in (0, 1)}
    assert len(ids) == 2


def test_what_was_asked_of_another_folder_is_not_answered(
    qtbot: QtBot, suggester: InferenceWorker, folder: Path, weights: Path
) -> None:
    heard, pools = Heard(suggester), Pools()
    suggester.set_source(folder, pools)
    suggester.show("0.jpg", ["1.jpg"])
    suggester.suggest_all(["2.jpg"])
    other = Pools()
    suggester.set_source(folder, other)
    suggester.show("5.jpg", [])
    _load(qtbot, suggester, weights)
    qtbot.waitUntil(lambda: "5.jpg" in heard.names, timeout=LONG)
    assert heard.names == ["5.jpg"]
    assert not pools.kept


def test_another_folder_ends_the_progress_of_the_one_before(
    qtbot: QtBot, suggester: InferenceWorker, folder: Path, weights: Path
) -> None:
    heard = Heard(suggester)
    suggester.set_source(folder, Pools())
    suggester.suggest_all(["0.jpg", "1.jpg"])
    suggester.clear_source()
    qtbot.waitUntil(lambda: heard.progress == [None])
    suggester.set_source(folder, Pools())
    _load(qtbot, suggester, weights)
    assert heard.progress == [None]


def test_closing_waits_no_longer_than_it_may(qtbot: QtBot, folder: Path, weights: Path) -> None:
    suggester = InferenceWorker(ImageCache())
    suggester.load(str(weights))
    assert suggester.close(0) in {True, False}
    assert suggester.close()


def test_cancel_leaves_the_rest(qtbot: QtBot, suggester: InferenceWorker, folder: Path, weights: Path) -> None:
    heard, pools = Heard(suggester), Pools()
    suggester.set_source(folder, pools)
    suggester.progress.connect(lambda progress: suggester.cancel_all() if progress and progress.done == 2 else None)
    suggester.suggest_all([f"{i}.jpg" for i in range(6)])
    _load(qtbot, suggester, weights)
    qtbot.waitUntil(lambda: None in heard.progress, timeout=LONG)
    suggester.show("5.jpg", [])
    qtbot.waitUntil(lambda: "5.jpg" in heard.names, timeout=LONG)
    assert 2 <= len(pools.kept) <= 4, "the one that it was at may still be finished"


@pytest.mark.parametrize(
    "content", [b"", b"text, not weights", b"\x80\x02}q\x00.", b"\xff" * 100], ids=["empty", "text", "pickle", "noise"]
)
def test_weights_that_are_none_are_one_sentence_and_the_model_before_stays(
    qtbot: QtBot, suggester: InferenceWorker, folder: Path, weights: Path, tmp_path: Path, content: bytes
) -> None:
    heard = Heard(suggester)
    _load(qtbot, suggester, weights)
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(content)
    with qtbot.waitSignal(suggester.failed, timeout=LONG):
        suggester.load(str(bad))
    assert "bad.safetensors" in heard.failures[0]
    assert "\n" not in heard.failures[0]
    suggester.set_source(folder, Pools())
    suggester.show("0.jpg", [])
    qtbot.waitUntil(lambda: heard.names == ["0.jpg"], timeout=LONG)


def test_a_photo_that_cannot_be_read_does_not_end_the_thread(
    qtbot: QtBot, suggester: InferenceWorker, folder: Path, weights: Path
) -> None:
    heard = Heard(suggester)
    (folder / "broken.jpg").write_bytes(b"")
    suggester.set_source(folder, Pools())
    suggester.show("broken.jpg", ["gone.jpg", "1.jpg"])
    _load(qtbot, suggester, weights)
    qtbot.waitUntil(lambda: heard.names == ["1.jpg"], timeout=LONG)


def test_too_little_memory_on_a_gpu_ends_on_the_cpu_and_says_so(
    qtbot: QtBot, suggester: InferenceWorker, folder: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No GPU is here to run out of memory: the network says it is on one and the error is raised as torch would."""
    heard = Heard(suggester)
    _load(qtbot, suggester, weights)
    real = Predictor.set_image

    def set_image(self: Predictor, image: np.ndarray) -> None:
        if self.device == "cuda":
            raise MemoryFullError("CUDA out of memory")
        real(self, image)

    monkeypatch.setattr(Predictor, "set_image", set_image)
    predictor = _predictor(suggester)
    engine = predictor._engine
    assert isinstance(engine, TorchEngine)
    engine.device = "cuda"
    suggester.set_source(folder, Pools())
    suggester.show("0.jpg", [])
    qtbot.waitUntil(lambda: heard.names == ["0.jpg"], timeout=LONG)
    assert "CPU" in heard.notices[-1]
    assert [m.device for m in heard.models] == ["cpu", "cpu"]


def test_a_box_gets_its_outline_from_the_cpu_when_a_gpu_has_too_little_memory(
    qtbot: QtBot, suggester: InferenceWorker, folder: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = Heard(suggester)
    suggester.set_source(folder, Pools())
    _load(qtbot, suggester, weights)
    suggester.show("0.jpg", [])
    qtbot.waitUntil(lambda: heard.names == ["0.jpg"], timeout=LONG)
    real = Predictor.masks_for_boxes

    def masks_for_boxes(
        self: Predictor, boxes: np.ndarray, categories: list[int | None], *, quick: bool = False
    ) -> list[Instance]:
        if self.device == "cuda":
            raise MemoryFullError("CUDA out of memory")
        return real(self, boxes, categories, quick=quick)

    monkeypatch.setattr(Predictor, "masks_for_boxes", masks_for_boxes)
    predictor = _predictor(suggester)
    engine = predictor._engine
    assert isinstance(engine, TorchEngine)
    engine.device = "cuda"
    with qtbot.waitSignal(suggester.box_answered, timeout=LONG) as answer:
        suggester.outline("0.jpg", (20, 20, 200, 200), None)
    outlined = arguments(answer)[0]
    assert "CUDA" not in outlined.why
    assert "CPU" in heard.notices[-1]
    assert predictor.device == "cpu"
    assert [m.device for m in heard.models] == ["cpu", "cpu"]


def test_a_photo_with_very_many_pixels_is_answered_in_its_own(
    qtbot: QtBot, suggester: InferenceWorker, folder: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "MAX_MODEL_PIXELS", 60_000)  # of 240,000: it is given a quarter of them
    heard = Heard(suggester)
    suggester.set_source(folder, Pools())
    _load(qtbot, suggester, weights)
    with qtbot.waitSignal(suggester.suggested, timeout=LONG):
        suggester.show("0.jpg", [])
    assert max(s.shape.bounds[2] for s in heard.answers[-1].pool) > 300
    with qtbot.waitSignal(suggester.box_answered, timeout=LONG) as answer:
        suggester.outline("0.jpg", (400, 250, 590, 390), None)
    found = arguments(answer)[0].found
    assert box(400, 250, 590, 390).contains(found.shape)


def test_a_box_that_is_dragged_is_answered_from_what_was_encoded_when_the_photo_was_shown(
    qtbot: QtBot, suggester: InferenceWorker, folder: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = Heard(suggester)
    shutil.copy(SAMPLES / "cat.jpg", folder / "1.jpg")
    alone = Predictor(weights)
    alone.set_image(images.read_photo(folder / "0.jpg"))
    suggester.set_source(folder, Pools())
    _load(qtbot, suggester, weights)
    suggester.show("0.jpg", ["1.jpg"])
    qtbot.waitUntil(lambda: heard.names == ["0.jpg", "1.jpg"], timeout=LONG)
    encoded: list[tuple[int, ...]] = []
    real = Predictor.set_image
    monkeypatch.setattr(Predictor, "set_image", lambda self, image: (encoded.append(image.shape), real(self, image))[1])
    with qtbot.waitSignal(suggester.draft_answered, timeout=LONG) as answer:
        number = suggester.outline_draft("0.jpg", (20, 20, 500, 300), 1)
    assert encoded == []
    draft = arguments(answer)[0]
    expected = to_suggestion(-1, alone.masks_for_boxes(np.array([[20, 20, 500, 300]]), [1], quick=True)[0])
    assert draft.number == number
    assert draft.found.shape.equals_exact(expected.shape, 0.01), "of the photo shown, not of the last one"
    assert draft.found.keypoints == ()


def test_while_a_box_is_dragged_only_the_newest_is_answered_and_other_photos_wait(
    qtbot: QtBot, suggester: InferenceWorker, folder: Path, weights: Path
) -> None:
    heard, drafts = Heard(suggester), []
    suggester.draft_answered.connect(drafts.append)
    suggester.set_source(folder, Pools())
    asked = [suggester.outline_draft("0.jpg", (20, 20, 300 + i, 300), None) for i in range(5)]
    suggester.suggest_all(["1.jpg", "2.jpg"])
    _load(qtbot, suggester, weights)
    qtbot.waitUntil(lambda: bool(drafts), timeout=LONG)
    with qtbot.waitSignal(suggester.box_answered, timeout=LONG):
        suggester.outline_draft("0.jpg", (20, 20, 200, 300), None)
        suggester.outline("0.jpg", (20, 20, 300, 300), None)
    assert heard.answers == [], "nothing else is begun"
    assert [draft.number for draft in drafts if draft.number != asked[-1] + 1] == asked[-1:]
    suggester.show(None, [])
    qtbot.waitUntil(lambda: heard.names == ["1.jpg", "2.jpg"], timeout=LONG)


def test_an_instance_becomes_a_suggestion() -> None:
    ring = np.array([[1, 1], [9, 1], [9, 9]], np.float32)
    points = np.array([[1, 2, 2], [0, 0, 0]], np.float32)
    instance = Instance(2, 0.5, np.array([1, 1, 9, 9], np.float32), [[ring]], points)
    made = to_suggestion(-4, instance)
    assert (made.id, made.category_id, made.score, made.shape.area) == (-4, 2, 0.5, 32)
    assert [tuple(k) for k in made.keypoints] == [(1, 2, 2), (0, 0, 0)]
    without = to_suggestion(-1, Instance(2, 0.5, np.array([1, 1, 9, 9], np.float32), []))
    assert without.is_box
    assert without.shape.bounds == (1, 1, 9, 9)


def test_an_error_is_said_in_one_sentence() -> None:
    assert sentence(ValueError("No such thing\nTraceback…")) == "No such thing."
    assert sentence(ValueError()) == "ValueError."
