"""The message on a photo that was marked done while suggestions on it were unanswered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.core import edits
from annotator.panels.widgets import one_line
from dataset.i18n import plural, tr

if TYPE_CHECKING:
    from annotator.core.document import Document
    from annotator.panels.banner import Banner
    from annotator.session.session import Session
    from annotator.window.commands.selection_commands import SelectionCommands

UNANSWERED = "unanswered"  # the topic of the message


class UnansweredNotice:
    """Shows it, with a button that takes the done mark back, until another photo is shown or it is no longer so."""

    def __init__(self, session: Session, commands: SelectionCommands, banner: Banner) -> None:
        self._session, self._banner = session, banner
        self._document: Document | None = None  # the photo that the message is on
        commands.left_unanswered.connect(self._show)
        session.current_changed.connect(lambda _name: banner.retract(UNANSWERED))
        session.edited.connect(self._follow)

    def _show(self, document: Document) -> None:
        self._document = document
        text = plural(
            "{photo} is done with {n} suggestion that nobody answered: training leaves it out.",
            "{photo} is done with {n} suggestions that nobody answered: training leaves them out.",
            len(document.suggestions),
            photo=one_line(document.name),
        )
        actions = [(tr("Undo"), lambda: self._take_back(document))]
        self._banner.show_message(text, "info", actions, topic=UNANSWERED)

    def _take_back(self, document: Document) -> None:
        self._session.push_to(document, edits.mark_done(document, done=False))
        self._session.go_to(document.name)

    def _follow(self) -> None:
        if self._document and not (self._document.done and self._document.suggestions):
            self._banner.retract(UNANSWERED)
