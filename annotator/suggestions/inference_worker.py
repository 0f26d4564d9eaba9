"""The worker thread of the model: the shown photo first, then those that are likely next, then the whole folder.

The only part of the window's side that knows `model`. Torch, where it computes, is imported in this thread, after the
window is up.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
from PySide6.QtCore import QObject, Signal

from annotator.session.image_cache import ImageCache, LateError
from annotator.session.image_loader import PATIENCE_SECONDS
from annotator.session.worker_thread import WorkerThread
from annotator.suggestions.graph_making import GraphMaking
from annotator.suggestions.messages import (
    BoxAnswer,
    FolderProgress,
    ModelInfo,
    PointAnswer,
    Suggestions,
    to_suggestion,
)
from annotator.suggestions.object_at import object_at
from dataset.i18n import tr
from model.inference import mask_keypoint_pair
from model.inference.closer_look import CloserLook, LookGivenUpError
from model.inference.engines import lacks_graphs
from model.inference.instance import Instance
from model.inference.out_of_memory import retry_on_oom

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from annotator.canvas.tools.base import Clicked
    from annotator.core.annotation import Annotation
    from annotator.session.decoded_image import DecodedImage
    from model.inference.segmenter import Segmenter

POOL_SCORE = 0.05  # what is kept, so that the threshold acts without running the model again
FIRST_LOOK = -1_000_000_000  # id of the first suggestion of a large photo as a whole
Answer = TypeVar("Answer")
MAX_CACHED_AT_ONCE = 20  # photos, between which a more urgent request gets its turn


@dataclass(frozen=True, slots=True)
class _Box:
    """A box in a photo, xyxy, whose object's outline or keypoints are wanted."""

    number: int
    name: str
    corners: tuple[float, float, float, float]
    category_id: int | None
    keypoints: bool = False


@dataclass(frozen=True, slots=True)
class _Points:
    """Clicks in a photo whose object is wanted."""

    number: int
    name: str
    clicked: Clicked


class PoolStore(Protocol):
    """Where earlier answers are kept, such as `SuggestionPools`. Called in the worker thread."""

    def get(self, name: str, model: str) -> tuple[Annotation, ...] | None:
        """Return the pool of a photo, or None."""

    def scores(self, name: str, model: str) -> tuple[float, ...] | None:
        """Return the scores of a photo's pool, or None."""

    def names(self, model: str) -> set[str]:
        """Return the photos that have a pool."""

    def put(self, name: str, model: str, suggestions: tuple[Annotation, ...]) -> None:
        """Keep a pool."""


@dataclass(frozen=True, slots=True)
class _Source:
    """The folder that names are relative to, and where its answers are kept."""

    folder: Path
    pools: PoolStore


class InferenceWorker(QObject):
    """Answers requests in one persistent thread. Its methods return at once; its signals arrive in the caller's thread.

    Signals:
        loaded: (ModelInfo) a model is in use.
        failed: (sentence, weights) the model cannot be used; the one before it, if any, stays in use.
        suggested: (Suggestions) for the photo shown, a likely next one or one of the folder.
        box_answered: (BoxAnswer) for a box.
        points_answered: (PointAnswer) for clicks.
        cached_scores: (model id, name -> scores) of photos that the model has looked at in earlier sessions.
        activity: (text) what it is doing now.
        notice: (sentence) something the person should know, such as a fallback to the CPU.
        progress: (FolderProgress or None) of the whole folder; None when that has ended.
    """

    loaded = Signal(object)
    failed = Signal(str, object)  # Signal(str) drops what a path has that is not UTF-8
    suggested = Signal(object)
    box_answered = Signal(object)
    points_answered = Signal(object)
    cached_scores = Signal(str, object)
    activity = Signal(str)
    notice = Signal(str)
    progress = Signal(object)

    def __init__(self, cache: ImageCache, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cache = cache
        self._wake = threading.Condition()
        # Guarded by _wake:
        self._closing = False
        self._load: tuple[str, str] | None = None
        self._closer_look = False
        self._source: _Source | None = None
        self._refused = ""  # why no model will come
        self._questions: deque[_Box | _Points] = deque()
        self._asked = 0
        self._shown: str | None = None
        self._upcoming: deque[str] = deque()
        self._cached: deque[str] | None = deque()  # None: to be asked for
        self._all: deque[str] = deque()
        self._all_running = False  # whether `progress` is still to be emitted with None
        self._all_total = 0
        self._all_since = 0.0
        # Of the worker thread alone:
        self._predictor: Segmenter | None = None
        self._model_id = ""
        self._weights = ""
        self._first_look: Suggestions | None = None  # what is offered of the photo shown before its tiles are seen
        self._seen: tuple[_Source, str, str] | None = None  # the photo that the model was last given, and its own id
        self._pixels: NDArray[np.uint8] | None = None  # that photo as the model was given it
        self._scale = (1.0, 1.0)  # pixels of that photo along one of those that the model was given
        self._graphs = GraphMaking()
        self._thread = WorkerThread(self._work, "model", background=True)
        self._thread.failed.connect(self.notice)
        self._thread.start()

    # Called in the GUI thread

    def load(self, weights: str, device: str = "auto") -> None:
        """Put a model in use: `builtin`, `coco` or a checkpoint file, on `auto`, `cpu` or `cuda`."""
        with self._wake:
            self._load, self._refused = (weights, device), ""
            self._wake.notify()

    def set_closer_look(self, *, on: bool) -> None:
        """Look at large photos in tiles, too, which takes longer; `loaded` follows, as of another model."""
        with self._wake:
            self._closer_look = on
            self._wake.notify()

    def refuse(self, reason: str) -> None:
        """No model will come: answer what waits for one with this reason, until another one is loaded.

        `failed` alone does not decide that, because whoever receives it may load another model instead.
        """
        with self._wake:
            self._refused = reason
            self._wake.notify()

    def set_source(self, folder: Path, pools: PoolStore) -> None:
        """Answer for this folder from now on; requests for the one before are dropped."""
        with self._wake:
            self._source = _Source(folder, pools)
            self._drop()
            self._cached = None
            self._wake.notify()

    def clear_source(self) -> None:
        """No folder is open."""
        with self._wake:
            self._source = None
            self._drop()

    def show(self, name: str | None, upcoming: Iterable[str]) -> None:
        """Answer for `name` next, then for those after it. What was asked for before is dropped, but not the folder."""
        with self._wake:
            self._shown, self._upcoming = name, deque(upcoming)
            self._wake.notify()

    def outline(self, name: str, corners: tuple[float, float, float, float], category_id: int | None) -> int:
        """Find the object in a box of a photo before anything else; return the number of this question.

        Every question is answered by `box_answered`, be it when a model has been loaded, or was refused, unless another
        folder is opened before.

        Args:
            name: The photo.
            corners: xyxy in its pixels.
            category_id: The model's class of the object, or None where it knows none such.
        """
        return self._ask(name, corners, category_id, keypoints=False)

    def find_keypoints(self, name: str, corners: tuple[float, float, float, float], category_id: int) -> int:
        """Find the keypoints of the object in a box of a photo; otherwise as `outline`."""
        return self._ask(name, corners, category_id, keypoints=True)

    def find_object(self, name: str, clicked: Clicked) -> int:
        """Find the object that clicks in a photo mean, before anything else; return the number of this question.

        It is answered by `points_answered`, unless a newer one comes before.
        """
        with self._wake:
            self._questions = deque(asked for asked in self._questions if isinstance(asked, _Box))
            self._asked += 1
            self._questions.append(_Points(self._asked, name, clicked))
            self._wake.notify()
            return self._asked

    def _ask(
        self, name: str, corners: tuple[float, float, float, float], category_id: int | None, *, keypoints: bool
    ) -> int:
        with self._wake:
            self._asked += 1
            self._questions.append(_Box(self._asked, name, corners, category_id, keypoints))
            self._wake.notify()
            return self._asked

    def suggest_all(self, names: Iterable[str]) -> None:
        """Answer for all of these when nothing else is wanted, and keep the answers."""
        with self._wake:
            self._all = deque(names)
            self._all_total, self._all_since = len(self._all), time.monotonic()
            self._all_running = bool(self._all)
            self._wake.notify()

    def cancel_all(self) -> None:
        """Leave the rest of the folder; the answers so far are kept."""
        with self._wake:
            self._all.clear()
            self._all_running = False
        self.progress.emit(None)

    def stop(self) -> None:
        """Stop after the photo that is being looked at, or the model that is being loaded. Does not wait for it."""
        with self._wake:
            self._closing = True
            self._source = None
            self._drop()
            self._wake.notify()

    def close(self, seconds: float | None = None) -> bool:
        """Stop, wait for the thread (at most so long), and return whether it has ended."""
        self.stop()
        self._graphs.end()
        return self._thread.end(seconds)

    def _drop(self) -> None:
        if self._all_running:
            self._all_running = False
            self.progress.emit(None)
        self._shown, self._upcoming, self._cached, self._all = None, deque(), deque(), deque()
        self._questions.clear()

    # Called in the worker thread

    def _work(self) -> None:
        while True:
            with self._wake:
                if not self._next_is_ready():
                    self.activity.emit(tr("ready") if self._predictor else "")
                self._wake.wait_for(self._next_is_ready)
                if self._closing:
                    self._predictor = None
                    return
                load, self._load = self._load, None
                looks_otherwise = self._is_to_change
                comes_first = load is not None or looks_otherwise
                question = self._questions.popleft() if self._questions and not comes_first else None
                source = self._source
            if load:
                self._use(*load)
            elif looks_otherwise:
                self._change_look()
            elif isinstance(question, _Points):
                self.points_answered.emit(self._find(question, source))
            elif question:
                self.box_answered.emit(self._outline(question, source))
            else:
                self._answer_next()

    def _next_is_ready(self) -> bool:
        if self._questions and self._source and (self._predictor or self._refused):
            return True
        if self._is_to_change:
            return True
        wanted = self._shown or self._upcoming or self._cached is None or self._cached or self._all
        return self._closing or self._load is not None or bool(self._predictor and self._source and wanted)

    def _use(self, weights: str, device: str) -> None:
        self.activity.emit(tr("loading {weights}", weights=weights))
        try:
            predictor = mask_keypoint_pair.load_predictor(weights, device)
        except Exception as error:  # noqa: BLE001 - whatever it is, the window stays and says so
            self.failed.emit(sentence(error), weights)
            return
        self._weights = weights
        self._take(predictor)
        if predictor.notice:
            self.notice.emit(predictor.notice)
        self._graphs.start([name for name in mask_keypoint_pair.names(weights) if lacks_graphs(name, device)])

    @property
    def _is_to_change(self) -> bool:
        """Whether the model in use is to look at large photos in another way."""
        return self._predictor is not None and isinstance(self._predictor, CloserLook) != self._closer_look

    def _change_look(self) -> None:
        predictor = self._predictor
        if predictor is not None:
            self._take(predictor.model if isinstance(predictor, CloserLook) else predictor)

    def _take(self, model: Segmenter) -> None:
        """Put a model in use that has been loaded."""
        with self._wake:
            closer = CloserLook(model, self._is_interrupted, self._show_whole) if self._closer_look else None
            self._predictor = closer or model
            self._cached = None
        self._seen, self._model_id = None, self._predictor.id
        self.loaded.emit(self._info(self._predictor))

    def _is_interrupted(self) -> bool:
        """Whether something has come that is more urgent than the tiles of a photo."""
        urgent = self._load or self._questions or self._shown or self._source is None
        return bool(self._closing or urgent or self._is_to_change)

    def _answer_next(self) -> None:
        with self._wake:
            source = self._source
            folder_turn = ahead = False
            if self._shown:
                name, self._shown = self._shown, None
            elif self._upcoming:
                name, ahead = self._upcoming.popleft(), True
            elif self._cached is None or self._cached:
                name = ""
            elif self._all:
                name, folder_turn = self._all.popleft(), True
            else:
                return
            waiting = len(self._upcoming)
        if source is None:
            return
        if not name:
            self._send_cached_scores(source)
            return
        self.activity.emit(_activity(name, waiting))
        answer = self._answer(name, source, keep=not folder_turn, ahead=ahead)
        with self._wake:
            stale = source is not self._source
            done, total = self._all_total - len(self._all), self._all_total
            progress = FolderProgress(done, total, time.monotonic() - self._all_since)
            reported = folder_turn and self._all_running and not stale
            if reported and done == total:
                self._all_running = False
        if answer and not stale:
            self.suggested.emit(answer)
        if reported:
            self.progress.emit(progress if done < total else None)

    def _send_cached_scores(self, source: _Source) -> None:
        """Emit the scores of some photos that the model has looked at in earlier sessions."""
        with self._wake:
            if source is not self._source:
                return
            left, self._cached = self._cached, deque()  # what fails below is not tried for ever
        names = sorted(source.pools.names(self._model_id)) if left is None else list(left)
        scores = {}
        for name in names[:MAX_CACHED_AT_ONCE]:
            found = source.pools.scores(name, self._model_id)
            if found is not None:
                scores[name] = found
        with self._wake:
            if source is not self._source:
                return
            self._cached = deque(names[MAX_CACHED_AT_ONCE:])
        self.cached_scores.emit(self._model_id, scores)

    def _answer(self, name: str, source: _Source, *, keep: bool, ahead: bool) -> Suggestions | None:
        try:
            return self._suggestions(name, source, keep=keep, ahead=ahead)
        except Exception as error:  # noqa: BLE001 - one photo must not end the thread
            if source is self._source:  # else it is of a folder that is no longer open
                self.notice.emit(tr("The model failed on {photo}: {reason}", photo=name, reason=sentence(error)))
            return None

    def _suggestions(self, name: str, source: _Source, *, keep: bool, ahead: bool = False) -> Suggestions | None:
        pool = source.pools.get(name, self._model_id)
        if pool is not None:
            return Suggestions(name, self._model_id, pool, None)
        path = source.folder / name
        try:
            photo = self._cache.get(path, self._given_up, keep=keep, ahead=ahead)
        except Exception:  # noqa: BLE001 - the loader has the word on photos that cannot be read
            return None
        if photo is None:
            if not keep:  # of the whole folder: its turn comes again
                with self._wake:
                    if source is self._source and self._all_running:
                        self._all.append(name)
            return None
        start = time.perf_counter()
        self._first_look = Suggestions(name, self._model_id, (), None) if keep and not ahead else None
        try:
            instances = self._detect(photo)
        except LookGivenUpError:
            self._put_off(name, source, is_shown=keep and not ahead, of_folder=not keep)
            return None
        milliseconds = 1e3 * (time.perf_counter() - start)
        self._seen = source, name, self._model_id
        pool = tuple(to_suggestion(-1 - i, instance) for i, instance in enumerate(instances))
        if self._closing:  # the store is, or is about to be, closed
            return None
        source.pools.put(name, self._model_id, pool)
        return Suggestions(name, self._model_id, pool, milliseconds)

    def _show_whole(self, instances: list[Instance]) -> None:
        """Offer what a large photo shows as a whole while its tiles are looked at. Its ids are none of the pool's."""
        if self._first_look is not None:
            found = [instance.enlarged(self._scale) for instance in instances]
            pool = tuple(to_suggestion(FIRST_LOOK - i, instance) for i, instance in enumerate(found))
            self.suggested.emit(replace(self._first_look, pool=pool))

    def _put_off(self, name: str, source: _Source, *, is_shown: bool, of_folder: bool) -> None:
        """Have a photo looked at again when nothing is more urgent."""
        with self._wake:
            if source is not self._source:
                return
            if of_folder and self._all_running:
                self._all.appendleft(name)
            elif is_shown and self._shown is None:
                self._shown = name
            elif not of_folder and self._shown is None:
                self._upcoming.appendleft(name)

    def _outline(self, box: _Box, source: _Source | None) -> BoxAnswer:
        predictor = self._predictor
        if source is None or predictor is None:
            return BoxAnswer(box.number, None, self._refused or tr("no folder is open."))
        self.activity.emit(tr("looking into a box of {photo}", photo=box.name))
        asked = source, box.name, self._model_id

        def look() -> Instance:
            self._look_at(predictor, asked)
            corners = np.array([box.corners]) / np.tile(self._scale, 2)
            if box.keypoints:
                return _with_keypoints(predictor, corners, box).enlarged(self._scale)
            return predictor.masks_for_boxes(corners, [box.category_id])[0].enlarged(self._scale)

        try:
            found = to_suggestion(-1, self._within_memory(predictor, look))
        except Exception as error:  # noqa: BLE001 - one box must not end the thread
            return BoxAnswer(box.number, None, tr("the model failed on it ({reason})", reason=sentence(error)))
        if not any(k.visibility for k in found.keypoints) if box.keypoints else found.is_box:
            return BoxAnswer(box.number, None, tr("the model sees nothing in it."))
        return BoxAnswer(box.number, found)

    def _look_at(self, predictor: Segmenter, asked: tuple[_Source, str, str]) -> None:
        """Encode a photo, unless it is the one that the model was last given."""
        if self._seen == asked and predictor.image_size != (0, 0):
            return
        self._seen = None
        source, name, _ = asked
        photo = self._cache.get(source.folder / name, lambda _seconds: self._closing)
        if photo is None:
            raise LateError(tr("the window is being closed."))
        self._set_image(predictor, photo)
        self._seen = asked

    def _find(self, points: _Points, source: _Source | None) -> PointAnswer:
        predictor = self._predictor
        if source is None or predictor is None:
            return PointAnswer(points.number, None, text=self._refused or tr("no folder is open."))
        self.activity.emit(tr("looking where {photo} was clicked", photo=points.name))

        def look() -> PointAnswer:
            pool = source.pools.get(points.name, self._model_id)
            if pool is None:
                answer = self._suggestions(points.name, source, keep=True)
                if answer:
                    self.suggested.emit(answer)
                    pool = answer.pool
            self._look_at(predictor, (source, points.name, self._model_id))
            assert self._pixels is not None, "the photo that the model was last given"
            found = object_at(predictor, self._pixels, self._scale, pool or (), points.clicked)
            return replace(found, number=points.number)

        try:
            return self._within_memory(predictor, look)
        except Exception as error:  # noqa: BLE001 - one click must not end the thread
            why = tr("The model failed here: {reason}", reason=sentence(error))
            return PointAnswer(points.number, None, text=why)

    def _detect(self, photo: DecodedImage) -> list[Instance]:
        predictor = self._predictor
        assert predictor is not None

        def look() -> list[Instance]:
            self._set_image(predictor, photo)
            return [instance.enlarged(self._scale) for instance in predictor.detect(POOL_SCORE)]

        self._seen = None
        return self._within_memory(predictor, look)

    def _given_up(self, seconds: float) -> bool:
        """Whether something more urgent is not to wait any longer for a photo that is being read."""
        urgent = self._load is not None or self._questions or self._shown is not None or self._source is None
        return self._closing or bool(urgent and seconds > PATIENCE_SECONDS)

    def _set_image(self, predictor: Segmenter, photo: DecodedImage) -> None:
        given = photo.for_model()
        self._scale, self._pixels = given.scale, given.pixels
        predictor.set_image(given.pixels)

    def _within_memory(self, predictor: Segmenter, look: Callable[[], Answer]) -> Answer:
        """Ask the model something; where a GPU's memory did not suffice for it, say what is done instead."""
        device = predictor.device
        answer = retry_on_oom(predictor, look, self.notice.emit)
        if predictor.device != device:
            self._model_id = predictor.id
            self.loaded.emit(self._info(predictor))
        return answer

    def _info(self, predictor: Segmenter) -> ModelInfo:
        return ModelInfo(
            self._model_id,
            Path(predictor.name).name,
            str(predictor.device),
            tuple(predictor.categories),
            self._weights,
        )


def _with_keypoints(predictor: Segmenter, corners: NDArray[np.float64], box: _Box) -> Instance:
    points, scores = predictor.keypoints_for_boxes(corners)
    return Instance(box.category_id or 0, 1.0, corners[0], [], points[0], scores[0])


def _activity(name: str, waiting: int) -> str:
    """Return what the thread is doing while it looks at a photo, with so many to go after it."""
    return tr("prefetching, {n} to go", n=waiting + 1) if waiting else tr("looking at {photo}", photo=name)


def sentence(error: Exception) -> str:
    """Return an error as one sentence for a person."""
    text = str(error).strip().split("\n")[0] or type(error).__name__
    return text if text.endswith((".", "!", "?")) else f"{text}."
