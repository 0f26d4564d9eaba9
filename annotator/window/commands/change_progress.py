"""What is said of work that takes its time, such as a change to the records of every photo, and how it is cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QElapsedTimer, QObject

from dataset.i18n import mark, tr

if TYPE_CHECKING:
    from annotator.panels.banner import Banner
    from annotator.session.record_changes import RecordChanges
    from annotator.window.import_export import Exporter, Importer

CHANGING = "changing"
CHANGED = mark("The objects of every photo are being changed, {share:.0%}.")
IMPORTED = mark("Annotations are being imported, {share:.0%}.")
EXPORTED = mark("Annotations are being exported, {share:.0%}.")
SHOWN_AFTER = 1000  # milliseconds; shorter ones go without a word
UPDATED_AFTER = 2500  # milliseconds: the button of a message that is new does nothing for a moment


class ChangeProgress(QObject):
    """Shows how far a change is, with a button that gives it up, and why one was given up."""

    def __init__(
        self, changes: RecordChanges | Importer | Exporter, banner: Banner, parent: QObject, text: str = CHANGED
    ) -> None:
        """Watch something; `text` is shown of it, with its `share`."""
        super().__init__(parent)
        self._changes, self._banner, self._text = changes, banner, text
        self._topic = f"{CHANGING} {text}"
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
            text = tr(self._text, share=share)
            self._banner.show_message(text, "info", [(tr("Cancel"), self._changes.cancel)], topic=self._topic)

    def _end(self, sentence: str) -> None:
        self._banner.retract(self._topic)
        if sentence:
            self._banner.show_message(sentence, "warning", topic=self._topic)
