"""Project > Check: the dock with what is wrong, the way to each of it, and its repair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from annotator.core.repairs import REPAIRABLE
from annotator.panels.check.panel import CheckPanel
from annotator.session.checking import CheckResult, ProjectChecker, Repairer
from annotator.window.bottom_dock import add_bottom_dock
from dataset.i18n import plural, tr
from dataset.messages import counted_photos

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QDockWidget, QMainWindow, QMenu

    from annotator.canvas.view import CanvasView
    from annotator.panels.banner import Banner
    from annotator.session.session import Session
    from dataset.check.findings import Finding

REPAIRED = "repaired"  # the topic of what is said when it is done


class Checking(QObject):
    """Has the project checked when that is asked for, and shows what was found."""

    def __init__(
        self,
        session: Session,
        canvas: CanvasView,
        banner: Banner,
        window: QMainWindow,
        panels_menu: Callable[[], QMenu],
    ) -> None:
        super().__init__(window)
        self._session, self._canvas, self._banner = session, canvas, banner
        self._window, self._panels_menu = window, panels_menu
        self.checker, self._repairer = ProjectChecker(session, self), Repairer(session, self)
        self.panel = CheckPanel(REPAIRABLE)
        """The panel in the dock."""
        self._dock: QDockWidget | None = None
        self._result = CheckResult([])
        self._wanted: Finding | None = None  # what is to be selected once its photo is there
        self.checker.progressed.connect(self.panel.set_share)
        self.checker.ended.connect(self._show)
        self._repairer.done.connect(self._show_repaired)
        self.panel.check_requested.connect(self.check)
        self.panel.cancel_requested.connect(self.checker.stop)
        self.panel.finding_chosen.connect(self._go_to)
        self.panel.repair_requested.connect(self._repair)
        session.project_changed.connect(lambda _project: self._clear())
        session.document_changed.connect(lambda _document: QTimer.singleShot(0, self, self._select_wanted))

    def handlers(self) -> dict[str, Callable[..., object]]:
        """Return the handlers of the actions, by their names."""
        return {"project.check": lambda _on=False: self.check()}

    def check(self) -> None:
        """Show the panel, and check the open project."""
        self._show_dock()
        if self._session.store is not None and not self.checker.is_running:
            self.panel.begin()
            self.checker.start()

    def _show_dock(self) -> None:
        """Show the dock."""
        if self._dock is None:
            self._dock = add_bottom_dock(self._window, self._panels_menu(), "check", tr("Check"), self.panel)
        self._dock.show()

    def _show(self, result: object) -> None:
        if isinstance(result, CheckResult):
            self._result = result
            self.panel.show_findings(result.findings, result.notice)
        else:
            stopped = tr("Stopped; what is listed was found before.") if self._result.findings else tr("Not checked")
            self.panel.end(str(result) if result else stopped)

    def _clear(self) -> None:
        self._wanted, self._result = None, CheckResult([])
        self.panel.clear()

    def _go_to(self, finding: Finding) -> None:
        if finding.photo not in self._session.photos:
            return
        self._wanted = finding
        if self._session.current == finding.photo:
            self._select_wanted()
        else:
            self._session.go_to(finding.photo)

    def _select_wanted(self) -> None:
        document, wanted = self._session.document, self._wanted
        if document is None or wanted is None or document.name != wanted.photo:
            return
        self._wanted = None
        if isinstance(wanted.annotation, int) and document.get(wanted.annotation) is not None:
            self._session.show(annotations=True)
            document.select((wanted.annotation,))
            self._canvas.zoom_to_selection()
        else:
            self._canvas.fit()

    def _repair(self, findings: list[Finding]) -> None:
        if not self._repairer.is_running:
            self._repairer.start(findings, self._result.sizes)

    def _show_repaired(self, repaired: list[Finding]) -> None:
        if not repaired:
            text = tr("Nothing could be repaired: it is no longer so, or its photo cannot be read.")
            self._banner.show_message(text, "info", topic=REPAIRED)
            return
        self.panel.show_findings(self.panel.without(repaired), self._result.notice)
        photos = counted_photos(len({finding.photo for finding in repaired}))
        text = plural("{n:,} object in {photos} is repaired.", "{n:,} objects in {photos} are repaired.",
                      len(repaired), photos=photos)  # fmt: skip
        self._banner.show_message(text, "info", [(tr("Undo"), self._undo)], topic=REPAIRED)

    def _undo(self) -> None:
        undone = self._repairer.undo()
        text = tr("The repairs of {photos} are undone; check again to see them.", photos=counted_photos(undone))
        self._banner.show_message(text, "info", topic=REPAIRED)
