"""The model in use and the photos that it has encoded. Of the model's thread alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from annotator.suggestions.messages import BoxAnswer, ModelInfo, PointAnswer, to_suggestion
from annotator.suggestions.object_at import object_at
from dataset.i18n import tr
from model.inference.closer_look import CloserLook
from model.inference.engine import MemoryFullError
from model.inference.instance import Instance
from model.inference.out_of_memory import retry_on_oom

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from annotator.session.decoded_image import DecodedImage
    from annotator.suggestions.questions import BoxQuestion, PointsQuestion
    from model.inference.segmenter import Segmenter

Answer = TypeVar("Answer")
PhotoKey = tuple[object, str]
"""A folder and the name of a photo in it."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A photo that the model has encoded."""

    key: PhotoKey
    encoded: Any
    """As `Segmenter.encoded` has it."""
    scale: tuple[float, float]
    """Pixels of the photo on disk along one of those."""


class ModelInUse:
    """A `Segmenter`, which keeps what it has encoded of the photo shown while it looks at others."""

    def __init__(
        self,
        predictor: Segmenter,
        weights: str,
        on_notice: Callable[[str], None],
        on_change: Callable[[ModelInfo], None],
        *,
        is_given_up: Callable[[], bool] | None = None,
    ) -> None:
        """Take over a model that has been loaded.

        Args:
            predictor: The model.
            weights: What was asked for.
            on_notice: Called with one sentence where a device's memory did not suffice.
            on_change: Called where the model has therefore another id.
            is_given_up: With it, large photos are looked at in tiles, too, and it is asked between them.
        """
        self.loaded, self.weights = predictor, weights
        self.looks_closer = is_given_up is not None
        self._predictor: Segmenter = predictor if is_given_up is None else CloserLook(predictor, is_given_up)
        self._on_notice, self._on_change = on_notice, on_change
        self._seen: list[_Seen] = []
        self.id = self._predictor.id
        """Another one whenever its suggestions could be others."""
        self.shown: PhotoKey | None = None
        """The photo of which what is encoded is kept."""

    @property
    def info(self) -> ModelInfo:
        """What the window knows of it."""
        predictor = self._predictor
        name, categories = Path(predictor.name).name, tuple(predictor.categories)
        return ModelInfo(self.id, name, str(predictor.device), categories, self.weights)

    def detect(
        self,
        key: PhotoKey,
        photo: DecodedImage,
        score: float,
        on_whole: Callable[[list[Instance]], object] = lambda _found: None,
    ) -> list[Instance]:
        """Return what is in a photo, from a score on, in its pixels.

        `on_whole` is called with what a large one shows as a whole, before its tiles are looked at.

        Raises:
            model.inference.closer_look.LookGivenUpError: Something more urgent came.
        """

        def look() -> list[Instance]:
            seen = self._look_at(key, lambda: photo)
            if isinstance(self._predictor, CloserLook):
                self._predictor.on_whole = lambda found: on_whole([i.enlarged(seen.scale) for i in found])
            return [instance.enlarged(seen.scale) for instance in self._predictor.detect(score)]

        return self._within_memory(look)

    def answer_box(self, box: BoxQuestion, key: PhotoKey, read: Callable[[], DecodedImage]) -> BoxAnswer:
        """Return what is in a box; `read` returns the photo, and may raise whatever it likes."""

        def look() -> Instance:
            seen = self._look_at(key, read)
            corners = np.array([box.corners]) / np.tile(seen.scale, 2)
            if box.keypoints:
                return _with_keypoints(self._predictor, corners, box).enlarged(seen.scale)
            found = self._predictor.masks_for_boxes(corners, [box.category_id], quick=box.is_draft)[0]
            return found.enlarged(seen.scale)

        try:
            found = to_suggestion(-1, self._within_memory(look))
        except Exception as error:  # noqa: BLE001 - one box must not end the thread
            return BoxAnswer(box.number, None, tr("the model failed on it ({reason})", reason=sentence(error)))
        if not any(k.visibility for k in found.keypoints) if box.keypoints else found.is_box:
            return BoxAnswer(box.number, None, tr("the model sees nothing in it."))
        return BoxAnswer(box.number, found)

    def answer_points(self, points: PointsQuestion, key: PhotoKey, read: Callable[[], DecodedImage]) -> PointAnswer:
        """Return what clicks mean; `read` as above."""

        def look() -> PointAnswer:
            return object_at(self._predictor, self._look_at(key, read).scale, points.clicked)

        try:
            return replace(self._within_memory(look), number=points.number)
        except Exception as error:  # noqa: BLE001 - one click must not end the thread
            why = tr("The model failed here: {reason}", reason=sentence(error))
            return PointAnswer(points.number, None, text=why)

    def _look_at(self, key: PhotoKey, read: Callable[[], DecodedImage]) -> _Seen:
        """Make a photo the model's current one; it is encoded unless it is the one before or the one shown."""
        seen = next((seen for seen in self._seen if seen.key == key), None)
        if seen is not None:
            if self._predictor.encoded is not seen.encoded:
                self._predictor.restore(seen.encoded)
            return seen
        given = read().for_model()
        self._seen = [seen for seen in self._seen if seen.key == self.shown]
        self._predictor.set_image(given.pixels)
        seen = _Seen(key, self._predictor.encoded, given.scale)
        self._seen.append(seen)
        return seen

    def _within_memory(self, look: Callable[[], Answer]) -> Answer:
        """Ask the model something; where a GPU's memory did not suffice for it, say what is done instead."""

        def work() -> Answer:
            try:
                return look()
            except MemoryFullError:
                self._seen.clear()
                raise

        device = self._predictor.device
        answer = retry_on_oom(self._predictor, work, self._on_notice)
        if self._predictor.device != device:
            self.id = self._predictor.id
            self._on_change(self.info)
        return answer


def _with_keypoints(predictor: Segmenter, corners: NDArray[np.float64], box: BoxQuestion) -> Instance:
    points, scores = predictor.keypoints_for_boxes(corners)
    return Instance(box.category_id or 0, 1.0, corners[0], [], points[0], scores[0])


def sentence(error: Exception) -> str:
    """Return an error as one sentence for a person."""
    text = str(error).strip().split("\n")[0] or type(error).__name__
    return text if text.endswith((".", "!", "?")) else f"{text}."
