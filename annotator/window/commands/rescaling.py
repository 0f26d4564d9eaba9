"""The message on a photo whose annotations were made for another size, with buttons that scale them to it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from PySide6.QtCore import QElapsedTimer, QObject, Signal

from annotator.panels.widgets import one_line
from annotator.session.rescaling import Rescaler
from annotator.window.commands.change_progress import SHOWN_AFTER, UPDATED_AFTER
from dataset.i18n import plural, tr
from dataset.messages import counted_photos
from dataset.pictures.images import PhotoError, is_turned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.core.document import Document
    from annotator.core.store.rescaling import Size, SizeMismatch
    from annotator.panels.banner import Banner
    from annotator.session.record_changes import RecordChanges
    from annotator.session.rescaling import Rescaled

SIZE = "size"  # the topic of the offer, which goes with the photo
SCALED = "scaled"  # and of what is said when it is done


class Rescaling(QObject):
    """Offers to scale the annotations of the photo shown, and those of all that do not fit in the same way.

    Until that is decided, they are shown where the file has them, and the file keeps the size that it gives.
    """

    _looked = Signal(str, object, bool)

    def __init__(self, changes: RecordChanges, banner: Banner, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._banner = changes.session, banner
        self._rescaler = Rescaler(changes, self)
        self._rescaler.done.connect(self._show_done)
        self._rescaler.looked.connect(self._show_progress)
        self._running, self._next = QElapsedTimer(), SHOWN_AFTER
        self._looked.connect(self._take_look)
        self._told_turned = False  # that sizes are those before photos were turned
        self._session.project_changed.connect(lambda _project: setattr(self, "_told_turned", False))
        self._session.document_changed.connect(self._look)

    def _look(self, document: Document | None) -> None:
        store, folder = self._session.store, self._session.folder
        self._banner.retract(SIZE)
        if document is None or store is None or folder is None or not store.count(document.name):
            return
        mismatch = store.size_mismatch(document.name, document.size)
        if mismatch is None or not self._is_undecided(document, mismatch):
            return
        name, path = document.name, folder / document.name
        if mismatch.made_for == mismatch.size[::-1]:

            def read() -> None:
                with suppress(PhotoError):
                    self._looked.emit(name, mismatch, is_turned(path, mismatch.made_for, mismatch.size))

            self._session.on_disk(read)
        else:
            self._offer(name, mismatch)

    def _take_look(self, name: str, mismatch: SizeMismatch, turned: bool) -> None:  # noqa: FBT001 - a signal's argument
        if not turned:
            self._offer(name, mismatch)
        elif not self._told_turned:
            self._told_turned = True
            text = tr(
                "The file has the size of {photo} before it was turned upright: that is understood, here and for "
                "others.",
                photo=one_line(name),
            )
            self._banner.show_message(text, "info")

    def _is_undecided(self, document: Document, mismatch: SizeMismatch) -> bool:
        """Return whether something on record would be scaled, or cannot be because the proportions differ."""
        store = self._session.store
        current = {a.id: a for a in document.annotations}
        made_for = mismatch.made_for if mismatch.kind == "reach" else None
        return store is not None and bool(
            store.scaled(document.name, document.size, current, made_for, stretch=True).records
        )

    def _offer(self, name: str, mismatch: SizeMismatch) -> None:
        document = self._session.document
        if document is None or document.name != name:
            return
        actions = []
        if mismatch.keeps_aspect:
            every = self._session.store.annotated if self._session.store else []
            actions = [(tr("Scale"), lambda: self._scale(mismatch, [name]))]
            if len(every) > 1:
                actions.append((tr("Scale all like this"), lambda: self._scale(mismatch, every)))
        self._banner.show_message(_in_words(mismatch, name), "warning", actions, topic=SIZE)

    def _scale(self, mismatch: SizeMismatch, names: Sequence[str]) -> None:
        self._running.start()
        self._next = SHOWN_AFTER
        self._rescaler.scale(mismatch, names)

    def _show_progress(self, share: float) -> None:
        if share >= 1:
            self._banner.retract(SCALED)
        elif self._running.elapsed() >= self._next:
            self._next = self._running.elapsed() + UPDATED_AFTER
            text = tr("The sizes of the photos are being looked at, {share:.0%}.", share=share)
            self._banner.show_message(text, "info", [(tr("Cancel"), self._rescaler.cancel)], topic=SCALED)

    def _show_done(self, rescaled: Rescaled) -> None:
        self._banner.retract(SIZE)
        text = plural(
            "{n:,} object of {photos} scaled to fit.",
            "{n:,} objects of {photos} scaled to fit.",
            rescaled.objects,
            photos=counted_photos(len(rescaled.log)),
        )
        if rescaled.refused:
            text += " " + plural(
                "{n:,} stays as it is: it was made for other proportions.",
                "{n:,} stay as they are: they were made for other proportions.",
                rescaled.refused,
            )
        undo = (tr("Undo"), lambda: self._take_back(rescaled))
        self._banner.show_message(text, "info", [undo] if rescaled.objects else (), topic=SCALED)

    def _take_back(self, rescaled: Rescaled) -> None:
        if self._rescaler.is_running:
            self._show_done(rescaled)  # again: its button has closed it
        else:
            self._rescaler.take_back(rescaled)


def _in_words(mismatch: SizeMismatch, name: str) -> str:
    photo, size, other = one_line(name), _by(mismatch.size), _by(mismatch.made_for)
    if mismatch.kind == "mask":
        return plural(
            "A mask of {photo} was made for {other} pixels, the photo has {size}: it is not shown until it is scaled.",
            "{n:,} masks of {photo} were made for {other} pixels, the photo has {size}: they are not shown until they "
            "are scaled.",
            mismatch.objects,
            photo=photo,
            size=size,
            other=other,
        )
    if mismatch.kind == "fractions":
        return tr("Objects of {photo} are in parts of the photo, from 0 to 1, not in pixels.", photo=photo)
    if mismatch.kind == "reach":
        text = tr(
            "Objects of {photo} lie far outside its {size} pixels: were they made for {other}?",
            photo=photo,
            size=size,
            other=other,
        )
    else:
        text = tr(
            "{photo} has {size} pixels, but its objects were made for {other}.", photo=photo, size=size, other=other
        )
    if not mismatch.keeps_aspect:
        text += " " + tr("The proportions differ, as if it was cropped: check where they are.")
    return text


def _by(size: Size) -> str:
    return f"{size[0]} × {size[1]}"
