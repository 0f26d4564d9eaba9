"""What is asked of the model's thread before anything else, in its order."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from annotator.canvas.tools.base import Clicked
    from dataset.affine import Box


@dataclass(frozen=True, slots=True)
class BoxQuestion:
    """A box in a photo whose object's outline or keypoints are wanted."""

    number: int
    name: str
    """The photo."""
    corners: Box
    """In its pixels."""
    category_id: int | None
    """The model's class of the object; None where it knows none such."""
    keypoints: bool = False
    """Whether keypoints are wanted, not the outline."""
    is_draft: bool = False
    """Whether the box is being dragged: the outline is wanted at once, and no longer when there is a newer question."""


@dataclass(frozen=True, slots=True)
class PointsQuestion:
    """Clicks in a photo whose object is wanted, unless there is a newer question about clicks."""

    number: int
    name: str
    """The photo."""
    clicked: Clicked


class Questions:
    """The questions that are not answered yet. Not safe for threads."""

    def __init__(self) -> None:
        self._asked = 0
        self._waiting: deque[BoxQuestion | PointsQuestion] = deque()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def new_number(self) -> int:
        """Return the number of the next question."""
        self._asked += 1
        return self._asked

    def add(self, question: BoxQuestion | PointsQuestion) -> int:
        """Put a question after the others, of which those go that it makes obsolete; return its number."""
        self._waiting = deque(asked for asked in self._waiting if not _is_obsolete(asked, question))
        self._waiting.append(question)
        return question.number

    def take(self) -> BoxQuestion | PointsQuestion | None:
        """Return the next question, if there is one."""
        return self._waiting.popleft() if self._waiting else None

    def clear(self) -> None:
        """Drop all."""
        self._waiting.clear()


def _is_obsolete(asked: BoxQuestion | PointsQuestion, newer: BoxQuestion | PointsQuestion) -> bool:
    """Return whether a question need not be answered any more: a drag has gone on or ended, or clicks have."""
    if isinstance(asked, PointsQuestion):
        return isinstance(newer, PointsQuestion)
    return asked.is_draft and isinstance(newer, BoxQuestion)
