"""The worker thread of the model: the shown photo first, then those that are likely next, then the whole folder.

The only part of the window's side that knows `model`. Torch, where it computes, is imported in this thread, after the
window is up.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from annotator.session.image_cache import ImageCache, LateError
from annotator.session.image_loader import PATIENCE_SECONDS
from annotator.session.worker_thread import WorkerThread
from annotator.suggestions.folder_run import FolderRun
from annotator.suggestions.graph_making import Preparation
from annotator.suggestions.messages import BoxAnswer, PointAnswer, Suggestions, to_suggestion
from annotator.suggestions.model_in_use import ModelInUse, sentence
from annotator.suggestions.questions import BoxQuestion, PointsQuestion, Questions
from annotator.suggestions.source import AnswerSource
from dataset.i18n import tr
from model.inference.closer_look import LookGivenUpError
from model.inference.device import selectable_devices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from annotator.canvas.tools.base import Clicked
    from annotator.session.decoded_image import DecodedImage
    from annotator.suggestions.source import PoolStore
    from dataset.affine import Box
    from model.inference.instance import Instance
    from model.inference.segmenter import Segmenter

POOL_SCORE = 0.05  # what is kept, so that the threshold acts without running the model again
FIRST_LOOK = -1_000_000_000  # id of the first suggestion of a large photo as a whole: in no pool
MAX_CACHED_AT_ONCE = 20  # photos, between which a more urgent request gets its turn
DRAG_PAUSE = 1.5  # seconds after a question about a box that is being dragged, in which nothing else is begun


class InferenceWorker(QObject):
    """Answers requests in one persistent thread. Its methods return at once; its signals arrive in the caller's thread.

    Signals:
        loaded: (ModelInfo) a model is in use.
        failed: (sentence, weights) the model cannot be used; the one before it, if any, stays in use.
        suggested: (Suggestions) for the photo shown, a likely next one or one of the folder.
        box_answered: (BoxAnswer) for a box.
        draft_answered: (BoxAnswer) for a box that is being dragged.
        points_answered: (PointAnswer) for clicks.
        cached_scores: (model id, name -> scores with classes) of photos that the model looked at in earlier sessions.
        activity: (text) what it is doing now.
        notice: (sentence) something the person should know, such as a fallback to the CPU.
        progress: (FolderProgress or None) of the whole folder; None when that has ended.
    """

    loaded = Signal(object)
    failed = Signal(str, object)  # Signal(str) drops what a path has that is not UTF-8
    suggested = Signal(object)
    box_answered = Signal(object)
    draft_answered = Signal(object)
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
        self._source: AnswerSource | None = None
        self._refused = ""  # why no model will come
        self._questions = Questions()
        self._paused_until = 0.0  # nothing that is not urgent begins before
        self._shown: str | None = None
        self._current: str | None = None  # the photo that is on screen
        self._upcoming: deque[str] = deque()
        self._cached: deque[str] | None = deque()  # None: to be asked for
        self._all = FolderRun()  # while it is running, `progress` is still to be emitted with None
        # Of the worker thread alone:
        self._model: ModelInUse | None = None
        self._preparation = Preparation()
        self._thread = WorkerThread(self._work, "model", background=True)
        self._thread.failed.connect(self.notice)
        self._thread.start()

    # Called in the GUI thread

    def load(self, weights: str, device: str = "auto") -> None:
        """Put a model in use: `builtin`, `coco` or a checkpoint file, on one of `devices`."""
        with self._wake:
            self._load, self._refused = (weights, device), ""
            self._wake.notify()

    @property
    def devices(self) -> tuple[str, ...]:
        """Names of the devices that `load` can be given on this computer."""
        return selectable_devices()

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

    def set_source(self, folder: Path, pools: PoolStore, photos: int = 0) -> None:
        """Answer for this folder, with so many photos, from now on; requests for the one before are dropped."""
        with self._wake:
            self._source = AnswerSource(folder, pools, photos)
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
            self._shown, self._current, self._upcoming = name, name, deque(upcoming)
            self._paused_until = 0.0
            self._wake.notify()

    def outline(self, name: str, corners: Box, category_id: int | None) -> int:
        """Find the object in a box of a photo before anything else; return the number of this question.

        Every question is answered by `box_answered`, be it when a model has been loaded, or was refused, unless another
        folder is opened before.

        Args:
            name: The photo.
            corners: xyxy in its pixels.
            category_id: The model's class of the object, or None where it knows none such.
        """
        return self._ask(name, corners, category_id)

    def outline_draft(self, name: str, corners: Box, category_id: int | None) -> int:
        """Find the object in a box that is being dragged, as fast as can be; return the number of this question.

        It is answered by `draft_answered`, unless a newer one about a box comes before. What is not urgent waits.
        """
        return self._ask(name, corners, category_id, is_draft=True)

    def find_keypoints(self, name: str, corners: Box, category_id: int) -> int:
        """Find the keypoints of the object in a box of a photo; otherwise as `outline`."""
        return self._ask(name, corners, category_id, keypoints=True)

    def find_object(self, name: str, clicked: Clicked) -> int:
        """Find the object that clicks in a photo mean, before anything else; return the number of this question.

        It is answered by `points_answered`, unless a newer one comes before.
        """
        with self._wake:
            self._wake.notify()
            return self._questions.add(PointsQuestion(self._questions.new_number(), name, clicked))

    def _ask(
        self, name: str, corners: Box, category_id: int | None, *, keypoints: bool = False, is_draft: bool = False
    ) -> int:
        with self._wake:
            if is_draft:
                self._paused_until = time.monotonic() + DRAG_PAUSE
            self._wake.notify()
            number = self._questions.new_number()
            return self._questions.add(BoxQuestion(number, name, corners, category_id, keypoints, is_draft))

    def suggest_all(self, names: Iterable[str]) -> None:
        """Answer for all of these when nothing else is wanted, and keep the answers."""
        with self._wake:
            self._all.start(names)
            self._wake.notify()

    def cancel_all(self) -> None:
        """Leave the rest of the folder; the answers so far are kept."""
        with self._wake:
            self._all.stop()
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
        self._preparation.end()
        return self._thread.end(seconds)

    def _drop(self) -> None:
        if self._all.stop():
            self.progress.emit(None)
        self._shown, self._upcoming, self._cached = None, deque(), deque()
        self._current = None
        self._questions.clear()

    # Called in the worker thread

    def _work(self) -> None:
        while True:
            with self._wake:
                is_idle = not self._next_is_ready()
                source = self._source
            if is_idle:
                self.activity.emit(tr("ready") if self._model else "")
                self._preparation.go_on(source)
            with self._wake:
                while not self._next_is_ready():
                    self._wake.wait(self._pause_left())
                if self._closing:
                    self._model = None
                    return
                load, self._load = self._load, None
                looks_otherwise = self._is_to_change
                question = None if load or looks_otherwise else self._questions.take()
                source = self._source
                if self._model is not None:
                    self._model.shown = None if source is None or self._current is None else (source, self._current)
            if load:
                self._use(*load)
            elif looks_otherwise:
                self._change_look()
            elif isinstance(question, PointsQuestion):
                self.points_answered.emit(self._find(question, source))
            elif question:
                answered = self.draft_answered if question.is_draft else self.box_answered
                answered.emit(self._outline(question, source))
            else:
                self._answer_next()

    def _pause_left(self) -> float | None:
        """Return the seconds until what is not urgent may begin; None where nothing is held up."""
        left = self._paused_until - time.monotonic()
        return left if left > 0 else None

    def _next_is_ready(self) -> bool:
        if self._questions and self._source and (self._model or self._refused):
            return True
        if self._closing or self._load is not None or self._is_to_change:
            return True
        wanted = self._shown or self._upcoming or self._cached is None or self._cached or self._all
        return bool(self._model and self._source and wanted) and self._pause_left() is None

    def _use(self, weights: str, device: str) -> None:
        self.activity.emit(tr("loading {weights}", weights=weights))
        try:
            # In this thread, after the window is up.
            from model.inference import mask_keypoint_pair  # noqa: PLC0415

            predictor = mask_keypoint_pair.load_predictor(weights, device)
        except Exception as error:  # noqa: BLE001 - whatever it is, the window stays and says so
            self.failed.emit(sentence(error), weights)
            return
        self._take(predictor, weights)
        if predictor.notice:
            self.notice.emit(predictor.notice)
        self._preparation.use(mask_keypoint_pair.names(weights), device)

    @property
    def _is_to_change(self) -> bool:
        """Whether the model in use is to look at large photos in another way."""
        return self._model is not None and self._model.looks_closer != self._closer_look

    def _change_look(self) -> None:
        if self._model is not None:
            self._take(self._model.loaded, self._model.weights)

    def _take(self, predictor: Segmenter, weights: str) -> None:
        """Put a model in use that has been loaded."""
        with self._wake:
            self._model = ModelInUse(
                predictor,
                weights,
                self.notice.emit,
                self.loaded.emit,
                is_given_up=self._is_interrupted if self._closer_look else None,
            )
            self._cached = None
        self.loaded.emit(self._model.info)

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
                name, folder_turn = self._all.take(), True
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
            reported = folder_turn and self._all.is_running and not stale
            progress = self._all.report() if reported else None
        if answer and not stale:
            self.suggested.emit(answer)
        if reported:
            self.progress.emit(progress)

    def _send_cached_scores(self, source: AnswerSource) -> None:
        """Emit the scores of some photos that the model has looked at in earlier sessions."""
        model = self._ready_model
        with self._wake:
            if source is not self._source:
                return
            left, self._cached = self._cached, deque()  # what fails below is not tried for ever
        names = sorted(source.pools.names(model.id)) if left is None else list(left)
        scores = {}
        for name in names[:MAX_CACHED_AT_ONCE]:
            found = source.pools.scores(name, model.id)
            if found is not None:
                scores[name] = found
        with self._wake:
            if source is not self._source:
                return
            self._cached = deque(names[MAX_CACHED_AT_ONCE:])
        self.cached_scores.emit(model.id, scores)

    def _answer(self, name: str, source: AnswerSource, *, keep: bool, ahead: bool) -> Suggestions | None:
        try:
            return self._suggestions(name, source, keep=keep, ahead=ahead)
        except Exception as error:  # noqa: BLE001 - one photo must not end the thread
            if source is self._source:  # else it is of a folder that is no longer open
                self.notice.emit(tr("The model failed on {photo}: {reason}", photo=name, reason=sentence(error)))
            return None

    def _suggestions(self, name: str, source: AnswerSource, *, keep: bool, ahead: bool = False) -> Suggestions | None:
        model = self._ready_model
        pool = source.pools.get(name, model.id)
        if pool is not None:
            return Suggestions(name, model.id, pool, None)
        path = source.folder / name
        try:
            photo = self._cache.get(path, self._given_up, keep=keep, ahead=ahead)
        except Exception:  # noqa: BLE001 - the loader has the word on photos that cannot be read
            return None
        if photo is None:
            if not keep:  # of the whole folder: its turn comes again
                with self._wake:
                    if source is self._source:
                        self._all.put_back(name, first=False)
            return None
        start = time.perf_counter()
        try:
            offer = self._offer_whole(name, model) if keep and not ahead else lambda _found: None
            instances = model.detect((source, name), photo, POOL_SCORE, offer)
        except LookGivenUpError:
            self._put_off(name, source, is_shown=keep and not ahead, of_folder=not keep)
            return None
        milliseconds = 1e3 * (time.perf_counter() - start)
        pool = tuple(to_suggestion(-1 - i, instance) for i, instance in enumerate(instances))
        if self._closing:  # the store is, or is about to be, closed
            return None
        source.pools.put(name, model.id, pool)
        return Suggestions(name, model.id, pool, milliseconds)

    def _offer_whole(self, name: str, model: ModelInUse) -> Callable[[list[Instance]], None]:
        """Return what offers what a large photo shows as a whole, while its tiles are looked at."""

        def offer(found: list[Instance]) -> None:
            pool = tuple(to_suggestion(FIRST_LOOK - i, instance) for i, instance in enumerate(found))
            self.suggested.emit(Suggestions(name, model.id, pool, None))

        return offer

    def _put_off(self, name: str, source: AnswerSource, *, is_shown: bool, of_folder: bool) -> None:
        """Have a photo looked at again when nothing is more urgent."""
        with self._wake:
            if source is not self._source:
                return
            if of_folder:
                self._all.put_back(name, first=True)
            elif is_shown and self._shown is None:
                self._shown = name
            elif self._shown is None:
                self._upcoming.appendleft(name)

    def _outline(self, box: BoxQuestion, source: AnswerSource | None) -> BoxAnswer:
        model = self._model
        if source is None or model is None:
            return BoxAnswer(box.number, None, self._refused or tr("no folder is open."))
        if not box.is_draft:
            self.activity.emit(tr("looking into a box of {photo}", photo=box.name))
        return model.answer_box(box, (source, box.name), lambda: self._read(source, box.name))

    def _read(self, source: AnswerSource, name: str) -> DecodedImage:
        """Return a photo that something is asked about."""
        photo = self._cache.get(source.folder / name, lambda _seconds: self._closing)
        if photo is None:
            raise LateError(tr("the window is being closed."))
        return photo

    def _find(self, points: PointsQuestion, source: AnswerSource | None) -> PointAnswer:
        model = self._model
        if source is None or model is None:
            return PointAnswer(points.number, None, text=self._refused or tr("no folder is open."))
        self.activity.emit(tr("looking where {photo} was clicked", photo=points.name))

        return model.answer_points(points, (source, points.name), lambda: self._read(source, points.name))

    @property
    def _ready_model(self) -> ModelInUse:
        assert self._model is not None, "there is nothing to do without one"
        return self._model

    def _given_up(self, seconds: float) -> bool:
        """Whether something more urgent is not to wait any longer for a photo that is being read."""
        urgent = self._load is not None or self._questions or self._shown is not None or self._source is None
        return self._closing or bool(urgent and seconds > PATIENCE_SECONDS)


def _activity(name: str, waiting: int) -> str:
    """Return what the thread is doing while it looks at a photo, with so many to go after it."""
    return tr("prefetching, {n} to go", n=waiting + 1) if waiting else tr("looking at {photo}", photo=name)
