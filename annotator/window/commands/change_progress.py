"""What is said of a change to the records of every photo while it takes its time, and how it is cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QElapsedTimer, QObject

from dataset.i18n import tr

if TYPE_CHECKING:
    from annotator.panels.banner import Banner
    from annotator.session.record_changes import RecordChanges

CHANGING = "changing"
SHOWN_AFTER = 1000  # milliseconds; shorter ones go without a word
UPDATED_AFTER = 2500  # milliseconds: the button of a message that is new does nothing for a moment


class ChangeProgress(QObject):
    """Shows how far a change is, with a button that gives it up, and why one was given up."""

    def __init__(self, changes: RecordChanges, banner: Banner, parent: QObject) -> None:
        super().__init__(parent)
        self._changes, self._banner = changes, banner
        self._next = SHOWN_AFTER
        self._running = QElapsedTimer()
        changes.started.connect(self._begin)
        changes.progressed.connect(self._show)
        changes.ended.connect(self._end)

    def _begin(self) -> None:
        self._next = SHOWN_AFTER
        self._running.start()

    def _show(self, share: float) -> None:
        if self._running.elapsed() >= self._next:
            self._next = self._running.elapsed() + UPDATED_AFTER
            text = tr("The objects of every photo are being changed, {share:.0%}.", share=share)
            self._banner.show_message(text, "info", [(tr("Cancel"), self._changes.cancel)], topic=CHANGING)

    def _end(self, sentence: str) -> None:
        self._banner.retract(CHANGING)
        if sentence:
            self._banner.show_message(sentence, "warning", topic=CHANGING)
