"""What the actions do to the current document: each a line from the selection to an edit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from annotator.canvas.hit_testing import extent, labelled
from annotator.core import edits
from annotator.core.annotation import Annotation, Origin
from annotator.core.event import Event
from annotator.core.painting_order import restack
from annotator.core.photo_state import Mark
from annotator.core.skeleton import mirrored, sides
from annotator.session.messages import HIDDEN, PHOTO
from dataset import geometry
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.core.document import Document
    from annotator.session.session import Session

COPY_OFFSET = 12.0  # pixels of the photo


class SelectionCommands:
    """Edits of the session's current document; without one, nothing happens."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._copied: tuple[Annotation, ...] = ()
        session.project_changed.connect(self._forget_copied)
        session.skeleton_changed.connect(self._rewrite_copied)
        session.class_removed.connect(self._rewrite_copied)
        self.left_unanswered: Event[[Document]] = Event()
        """After a photo was marked done with suggestions on it that are neither accepted nor rejected."""

    @property
    def _document(self) -> Document | None:
        return self._session.document

    # Suggestions

    def accept(self) -> None:
        """Accept the selected suggestions, then select the next one."""
        document = self._document
        if not document:
            return
        chosen = [i for i in document.selection if i < 0]
        if not chosen:
            self.step_suggestion(1)
            return
        following = _after(document, chosen[-1])
        self._session.push(edits.accept(document, chosen, self._session.new_id))
        if following in document:
            document.select((following,))

    def accept_all(self) -> None:
        """Accept every suggestion that is shown."""
        document = self._document
        offered = self._offered()
        if document and offered:
            self._session.push(edits.accept(document, offered, self._session.new_id))

    def reject(self) -> None:
        """Reject the selected suggestions, then select the next one."""
        document = self._document
        chosen = [i for i in document.selection if i < 0] if document else []
        if document and chosen:
            self._delete(document, chosen)

    def step_suggestion(self, step: int) -> None:
        """Select the next (1) or previous (-1) suggestion, round and round."""
        document, ids = self._document, self._offered()
        if not document or not ids:
            return
        selected = document.selection[-1] if document.selection else None
        if selected in ids:
            document.select((ids[(ids.index(selected) + step) % len(ids)],))
        else:
            document.select((ids[0 if step > 0 else -1],))

    def _offered(self) -> list[int]:
        """Return the ids of the suggestions that are shown; where there are some and they are hidden, say so."""
        document = self._document
        if document and document.suggestions and not document.shown.suggestions:
            self._session.message.emit(tr("Suggestions are hidden, and left alone."), "info", HIDDEN)
        return [s.id for s in document.shown_suggestions] if document else []

    # Objects

    def delete(self) -> None:
        """Delete the selected objects; reject the selected suggestions and select the next one."""
        document = self._document
        if document and document.selection:
            self._delete(document, document.selection)

    def _delete(self, document: Document, ids: list[int] | tuple[int, ...]) -> None:
        following = _after(document, ids[-1]) if ids[-1] < 0 else 0
        self._session.push(edits.delete(document, ids))
        if following in document:
            document.select((following,))

    def select_all(self) -> None:
        """Select every object that is shown."""
        document = self._document
        if document and document.annotations and not document.shown.annotations:
            self._session.message.emit(tr("Objects are hidden, and left alone."), "info", HIDDEN)
        elif document:
            document.select(a.id for a in document.annotations)

    def choose_class(self, category_id: int) -> None:
        """Give the selected objects this class."""
        document = self._document
        if document and document.selection:
            self._session.push(edits.relabel(document, document.selection, category_id, self._session.new_id))

    def applicable_to_keypoints(self) -> list[str]:
        """Return the actions that apply to the keypoints of what is selected, if its classes have any."""
        selected = self._document.selected if self._document else ()
        names = [c.keypoint_names for c in self._session.categories if any(r.category_id == c.id for r in selected)]
        actions = ["tool.keypoints", "keypoint.suggest"] if any(names) else []
        is_sided = any(any(sides(keypoints)) for keypoints in names) and any(record.keypoints for record in selected)
        return [*actions, "keypoint.mirror"] if is_sided else actions

    def restack(self, *, up: bool) -> None:
        """Raise the selected objects over the next that overlaps them, or lower them."""
        document = self._document
        edit = restack(document, document.selection, up=up) if document else None
        if edit is not None:
            self._session.push(edit)

    def mirror_keypoints(self) -> None:
        """Exchange left and right of the selected objects' keypoints: they were put the wrong way round."""
        document, categories = self._document, self._session.categories
        if not document or not document.selection:
            return
        known = [record for record in document.selected if record.category_id in categories]
        swapped = [mirrored(record, categories[record.category_id].keypoint_names) for record in known]
        changed = [after for after, before in zip(swapped, known, strict=True) if after is not before]
        if changed:
            self._session.push(edits.change(document, tr("swap left and right"), changed, self._session.new_id))
        else:
            text = tr("Nothing that is selected has keypoints named left and right.")
            self._session.message.emit(text, "info", PHOTO)

    def copy(self) -> None:
        """Remember the selected objects."""
        if self._document and self._document.selection:
            self._copied = self._document.selected

    def _forget_copied(self, _project: object) -> None:
        self._copied = ()  # an id of the folder before may be another class's here

    def _rewrite_copied(self, change: Callable[[Annotation], Annotation | None]) -> None:
        changed = (change(record) for record in self._copied)
        self._copied = tuple(record for record in changed if record is not None)

    def paste(self) -> None:
        """Put the remembered objects on record, at the same place, or beside what lies there exactly so."""
        if self._document and self._copied:
            self._add_copies(self._document, self._copied, 0.0, tr("paste"))

    def duplicate(self) -> None:
        """Put copies of the selected objects beside them."""
        if self._document and self._document.selection:
            self._add_copies(self._document, self._document.selected, COPY_OFFSET, tr("duplicate"))

    def _add_copies(self, document: Document, originals: tuple[Annotation, ...], offset: float, text: str) -> None:
        copies = _beside(originals, offset, document)
        new = [replace(c, id=self._session.new_id(), origin=Origin.DRAWN, score=None, extra={}) for c in copies]
        self._session.push(edits.add(document, new, text))

    # The photo

    def toggle_done(self) -> None:
        """Mark the photo done, or take it back."""
        document = self._document
        if document:
            if not document.done:
                self._session.end_gesture()
            self._session.push(edits.mark_done(document, done=not document.done))
            self._look_back(document)

    def done_next(self) -> None:
        """Mark the photo done and go to the next one that is not."""
        document = self._document
        if document:
            self._session.end_gesture()
            if not document.done:
                self._session.push(edits.mark_done(document, done=True))
            self._session.go_next_not_done()
            self._look_back(document)

    def skip_next(self) -> None:
        """Skip the photo and go to the next one on which something is left to do; take it back where it is skipped."""
        document = self._document
        if document:
            self._session.end_gesture()
            skip = document.mark is not Mark.SKIPPED
            self._session.push(edits.mark_skipped(document, skipped=skip))
            if skip:
                self._session.go_next_not_done()

    def accept_all_done_next(self) -> None:
        """Accept every suggestion that is shown, mark the photo done and go to the next one that is not."""
        document, offered = self._document, self._offered()
        if document and offered:
            self._session.end_gesture()
            offered = self._offered()  # but for what a polygon that was just closed covers
            self._session.push(edits.accept_and_finish(document, offered, self._session.new_id))
            self._session.go_next_not_done()
        elif document and not document.suggestions:
            self.done_next()

    def _look_back(self, document: Document) -> None:
        if document.done and document.suggestions:
            self.left_unanswered.emit(document)


def _after(document: Document, suggestion_id: int) -> int:
    """Return the suggestion after this one, best first; 0, which is nobody's id, if it is the last."""
    ids = [s.id for s in document.shown_suggestions]
    place = ids.index(suggestion_id) + 1 if suggestion_id in ids else len(ids)
    return ids[place] if place < len(ids) else 0


def _beside(originals: tuple[Annotation, ...], offset: float, document: Document) -> list[Annotation]:
    """Return the records moved by `offset`, or the next multiple at which none lies exactly on one of the document.

    Where the photo ends first, they go the other way.
    """
    taken = {_place(record) for record in document.annotations}
    nearest = _shifted(originals, offset, document.size)
    for step in (COPY_OFFSET, -COPY_OFFSET):
        copies, before = nearest, None
        while copies != before:
            if taken.isdisjoint(_place(copy) for copy in copies if _has_room(copy, document.size)):
                return copies
            offset += step
            copies, before = _shifted(originals, offset, document.size), copies
        offset = 0.0
    return nearest


def _has_room(record: Annotation, size: tuple[int, int]) -> bool:
    x0, y0, x1, y1 = extent(record)
    return x1 - x0 < size[0] or y1 - y0 < size[1]


def _shifted(records: tuple[Annotation, ...], offset: float, size: tuple[int, int]) -> list[Annotation]:
    """Return the records moved right and down, each as far as it stays in the photo."""
    moved = []
    for record in records:
        x0, y0, x1, y1 = extent(record)
        dx, dy = _clamp(offset, -x0, size[0] - x1), _clamp(offset, -y0, size[1] - y1)
        keypoints = tuple(k._replace(x=k.x + dx, y=k.y + dy) if k.visibility else k for k in record.keypoints)
        moved.append(replace(record, shape=geometry.translate(record.shape, dx, dy), keypoints=keypoints))
    return moved


def _place(record: Annotation) -> tuple[float, ...]:
    """Return numbers that two records share if one cannot be told from the other, wherever they came from."""
    _, points = labelled(record)
    numbers = (*geometry.bounds(record.shape), record.shape.area, *points.ravel().tolist())
    return tuple(round(number, 1) for number in numbers)


def _clamp(value: float, low: float, high: float) -> float:
    return min(max(value, min(low, high)), max(low, high))
