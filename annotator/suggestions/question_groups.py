"""Questions to the model that are asked together, and acted on when the last of them is answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from annotator.core.annotation import Annotation
    from annotator.core.document import Document


@dataclass(slots=True)
class QuestionGroup:
    """Objects of a document that the model was asked about at once."""

    document: Document
    open: dict[int, Annotation] = field(default_factory=dict, kw_only=True)
    """Those that are not answered yet, as they were, by the number of the question."""


Group = TypeVar("Group", bound=QuestionGroup)


class QuestionGroups(Generic[Group]):
    """The groups that have open questions."""

    def __init__(self) -> None:
        self._groups: list[Group] = []

    def add(self, group: Group) -> None:
        """Wait for the answers of a group, if it asks anything."""
        if group.open:
            self._groups.append(group)

    def take(self, number: int) -> tuple[Group, Annotation] | None:
        """Return whose question has been answered, and which object it is about; None for a question of others.

        With the last of its questions the group is over.
        """
        group = next((group for group in self._groups if number in group.open), None)
        if group is None:
            return None
        record = group.open.pop(number)
        if not group.open:
            self._groups.remove(group)
        return group, record

    def clear(self) -> None:
        """Wait for none of them any longer."""
        self._groups.clear()
