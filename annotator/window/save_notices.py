"""What a person is shown, and asked, about saving: a disk that does not answer, a file that may not be replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMessageBox

from annotator.session.messages import FOLDER, LATE, SAVING, edits_kept
from dataset.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

    from annotator.panels.banner import Banner
    from annotator.session.session import Session
    from annotator.window.awaited_texts import AwaitedTexts
    from annotator.window.file_dialogs import FileDialogs
    from annotator.window.status_bar import StatusBar


class SaveNotices:
    """Puts what the session reports of its files into the banner and the status bar."""

    def __init__(
        self,
        session: Session,
        files: FileDialogs,
        *,
        banner: Banner,
        status: StatusBar,
        awaited: AwaitedTexts,
        window: QWidget,
    ) -> None:
        self._session, self._files, self._banner = session, files, banner
        self._status, self._awaited, self._window = status, awaited, window
        session.confirm_discard = self.confirm_discard
        session.late.connect(self._tell_late)
        session.refused.connect(self._annotations_refused)
        session.protected.connect(self._ask_to_replace)
        session.saved_changed.connect(self._saved_changed)

    def _annotations_refused(self, sentence: str, damaged: bool) -> None:  # noqa: FBT001 - a signal's argument
        """Show why nothing can be done, for as long as that lasts."""
        session = self._session
        if damaged:
            advice = tr("Repair it, put a copy in its place (.annotator/backup may have one), or move it away.")
            sentence = f"{sentence} {advice}"
        actions: list[tuple[str, Callable[[], object]]] = [
            (tr("Try again"), lambda: session.folder and session.open(session.folder, session.file)),
            (tr("Open another file…"), self._files.choose_annotations),
        ]
        self._banner.show_message(sentence, "error", actions, topic=FOLDER)
        self._awaited.show(tr("The annotations could not be opened: photos can only be looked at."))
        self._status.set_refused()

    def _tell_late(self, sentence: str) -> None:
        """Show that the disk of a folder does not answer, until it does."""
        if sentence:
            self._banner.show_message(sentence, "warning", topic=LATE)
        else:
            self._banner.retract(LATE)

    def _ask_to_replace(self, sentence: str) -> None:
        """Ask whether to replace a file that is write-protected."""
        actions = [(tr("Replace it"), self._session.replace_protected), (tr("Save as…"), self._files.choose_save_as)]
        self._banner.show_message(sentence, "warning", actions, topic=SAVING)

    def _saved_changed(self, saved: bool) -> None:  # noqa: FBT001 - a signal's argument
        self._status.set_saved(saved=saved, failed=bool(self._session.save_error))
        if saved:
            self._banner.retract(SAVING)

    def confirm_discard(self) -> bool:
        """Return whether to let go of the folder although the disk does not take what was edited."""
        question = QMessageBox(QMessageBox.Icon.Warning, "Annotator", self._session.save_error, parent=self._window)
        question.setObjectName("close.unsaved")
        store = self._session.store
        text = edits_kept(store) if store else ""
        question.setInformativeText(f"{text} {tr('Save it to another place first?')}")
        elsewhere = question.addButton(tr("Save as…"), QMessageBox.ButtonRole.AcceptRole)
        anyway = question.addButton(tr("Go on without saving"), QMessageBox.ButtonRole.DestructiveRole)
        question.addButton(QMessageBox.StandardButton.Cancel)
        question.exec()
        if question.clickedButton() is elsewhere:
            self._files.choose_save_as()
        return question.clickedButton() is anyway
