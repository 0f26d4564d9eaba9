"""The panel of a check: kinds at the left, what was found of one at the right, and above them what can be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QSplitter, QVBoxLayout, QWidget

from annotator.panels.check.rows import RECORD, FindingDelegate, FindingRows, KindDelegate, KindRows
from annotator.panels.rows import Rows
from annotator.panels.widgets import MARGIN, ElidedLabel, dress_panel, label, name_control, set_tone
from dataset.check.findings import KINDS
from dataset.i18n import plural, tr

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from dataset.check.findings import Finding

BAR_WIDTH, KINDS_WIDTH, MIN_HEIGHT = 160, 330, 170
MANY = 1000  # of the progress bar


class CheckPanel(QWidget):
    """A view of what was found, with the controls for it."""

    check_requested = Signal()
    cancel_requested = Signal()
    finding_chosen = Signal(object)
    """(Finding) it is to be shown."""
    repair_requested = Signal(object)
    """(list of Finding) they are to be repaired."""

    def __init__(self, repairable: Collection[str], parent: QWidget | None = None) -> None:
        """`repairable` are the kinds that can be repaired here."""
        super().__init__(parent)
        dress_panel(self, "check")
        self._repairable = repairable
        self._by_kind: dict[str, list[Finding]] = {}
        self._summary = ElidedLabel(tr("Not checked yet"))
        self._summary.setObjectName("check.summary")
        self._bar = QProgressBar()
        self._bar.setObjectName("check.progress")
        self._bar.setRange(0, MANY)
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(BAR_WIDTH)
        self._repair, self._again, self._cancel = (
            QPushButton(),
            QPushButton(tr("Check again")),
            QPushButton(tr("Cancel")),
        )
        self._elsewhere = label(tr("“check --fix” repairs these in a copy"), "muted")
        self._elsewhere.setObjectName("check.elsewhere")
        set_tone(self._repair, "accent")
        name_control(self._repair, "check.repair", tr("Repair all of this kind, as steps that can be undone"))
        name_control(self._again, "check.again", tr("Check the annotations and the photos of this folder again"))
        name_control(self._cancel, "check.cancel", tr("Stop checking"))
        self.kinds, self.findings = Rows("check.kinds", tr("Kinds of problems")), Rows("check.findings", tr("Problems"))
        self._kind_rows, self._finding_rows = KindRows(self), FindingRows(self)
        for view, model, delegate in (
            (self.kinds, self._kind_rows, KindDelegate(self)),
            (self.findings, self._finding_rows, FindingDelegate(self)),
        ):
            view.setModel(model)
            view.setItemDelegate(delegate)
        self._build()
        self.kinds.selectionModel().currentChanged.connect(lambda current, _before: self._show_kind(current))
        for signal in (self.findings.clicked, self.findings.activated):
            signal.connect(self._choose)
        self._repair.clicked.connect(lambda: self.repair_requested.emit(list(self._by_kind[self.kind])))
        self._again.clicked.connect(self.check_requested)
        self._cancel.clicked.connect(self.cancel_requested)
        self._show_state(is_running=False)

    def _build(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._summary, 1)
        for widget in (self._bar, self._elsewhere, self._repair, self._again, self._cancel):
            head.addWidget(widget)
        lists = QSplitter(Qt.Orientation.Horizontal)
        lists.setChildrenCollapsible(False)
        lists.addWidget(self.kinds)
        lists.addWidget(self.findings)
        lists.setStretchFactor(1, 1)
        lists.setSizes([KINDS_WIDTH, 3 * KINDS_WIDTH])
        top = QWidget()
        top.setLayout(head)
        head.setContentsMargins(MARGIN, 6, MARGIN, 6)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 4)
        whole.setSpacing(0)
        whole.addWidget(top)
        whole.addWidget(lists, 1)
        self.setMinimumHeight(MIN_HEIGHT)

    @property
    def kind(self) -> str:
        """The kind whose findings are listed; "" for none."""
        return self.kinds.currentIndex().data(RECORD) or ""

    def begin(self) -> None:
        """A check begins."""
        self._bar.setValue(0)
        self._summary.set_full_text(tr("Checking…"))
        self._show_state(is_running=True)

    def set_share(self, share: float) -> None:
        """So much is looked at, from 0 to 1."""
        self._bar.setValue(round(share * MANY))

    def end(self, text: str) -> None:
        """Show why nothing new was found; what was found before stays."""
        self._summary.set_full_text(text)
        self._show_state(is_running=False)

    def clear(self) -> None:
        """Show nothing: another folder is open."""
        self._list([])
        self.end(tr("Not checked yet"))

    def show_findings(self, findings: Iterable[Finding], notice: str = "") -> None:
        """Show what was found, and a sentence on what was not looked at."""
        kind = self.kind
        self._list(findings)
        self._select(kind)
        n, kinds = sum(map(len, self._by_kind.values())), len(self._by_kind)
        text = tr("Nothing is wrong.")
        if n:
            text = plural("{n:,} problem of {kinds}", "{n:,} problems of {kinds}", n,
                          kinds=plural("{n} kind", "{n} kinds", kinds))  # fmt: skip
        self.end(f"{text}  {notice}".rstrip())

    def without(self, repaired: Collection[Finding]) -> list[Finding]:
        """Return what is shown but for these."""
        gone = {id(finding) for finding in repaired}
        return [f for findings in self._by_kind.values() for f in findings if id(f) not in gone]

    def _list(self, findings: Iterable[Finding]) -> None:
        found: dict[str, list[Finding]] = {name: [] for name in KINDS}
        for finding in findings:
            found[finding.kind].append(finding)
        self._by_kind = {name: listed for name, listed in found.items() if listed}
        self._finding_rows.set_findings([])
        self._kind_rows.set_counts({name: len(listed) for name, listed in self._by_kind.items()})

    def _select(self, kind: str) -> None:
        """List the findings of this kind, or of the first there is."""
        if self._by_kind:
            row = list(self._by_kind).index(kind) if kind in self._by_kind else 0
            self.kinds.setCurrentIndex(self._kind_rows.index(row))

    def _show_kind(self, _current: QModelIndex) -> None:
        self._finding_rows.set_findings(self._by_kind.get(self.kind, []))
        self.findings.scrollToTop()
        self._show_state(is_running=self._cancel.isVisibleTo(self))

    def _choose(self, index: QModelIndex) -> None:
        self.finding_chosen.emit(index.data(RECORD))

    def _show_state(self, *, is_running: bool) -> None:
        n = len(self._by_kind.get(self.kind, ()))
        self._bar.setVisible(is_running)
        self._cancel.setVisible(is_running)
        self._again.setVisible(not is_running)
        self._repair.setVisible(not is_running and n > 0 and self.kind in self._repairable)
        is_elsewhere = bool(self.kind) and bool(KINDS[self.kind].repair) and self.kind not in self._repairable
        self._elsewhere.setVisible(not is_running and is_elsewhere)
        self._repair.setText(plural("Repair {n:,}", "Repair all {n:,}", n))
