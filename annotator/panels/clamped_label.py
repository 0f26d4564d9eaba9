"""A label for whole sentences that never takes more than a few lines."""

from __future__ import annotations

import html

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QFontMetrics, QResizeEvent, QTextLayout, QTextOption
from PySide6.QtWidgets import QLabel, QSizePolicy


class ClampedLabel(QLabel):
    """Plain text in at most `lines` lines. What does not fit is cut with "…", and the tooltip has all of it."""

    def __init__(self, lines: int = 3) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._most = lines
        self._full = ""

    @property
    def full_text(self) -> str:
        """The whole text."""
        return self._full

    def set_full_text(self, text: str) -> None:
        """Show another text."""
        self._full = " ".join(text.split())
        self.setAccessibleName(self._full)
        self._fit()
        self.updateGeometry()

    def heightForWidth(self, width: int) -> int:
        """As high as the lines that the text takes, up to the most allowed."""
        return self.fontMetrics().lineSpacing() * max(len(self._lines(width)), 1)

    def sizeHint(self) -> QSize:
        """Return any width; the height that goes with the present one."""
        return QSize(0, self.heightForWidth(self.width()))

    def minimumSizeHint(self) -> QSize:
        """Return the size hint: less height cuts the text."""
        return self.sizeHint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Break and cut the text for the new width."""
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """Break and cut the text for a new font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()
            self.updateGeometry()

    def _fit(self) -> None:
        lines = self._lines(self.width())
        self.setText("\n".join(lines))
        cut = "".join("".join(lines).split()) != "".join(self._full.split())
        # As rich text, because Qt breaks the lines of no other tooltip.
        self.setToolTip(f"<p>{html.escape(self._full)}</p>" if cut else "")

    def _lines(self, width: int) -> list[str]:
        """Return the text in lines of this width, the last one cut where there would be more than allowed."""
        layout = QTextLayout(self._full, self.font())
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        starts: list[int] = []
        layout.beginLayout()
        while len(starts) <= self._most:
            line = layout.createLine()
            if not line.isValid():
                break
            line.setLineWidth(max(width, 1))
            starts.append(line.textStart())
        layout.endLayout()
        ends = [*starts[1:], len(self._full)]
        lines = [self._full[start:end].rstrip() for start, end in zip(starts, ends, strict=True)]
        if len(lines) > self._most:
            rest = self._full[starts[self._most - 1] :]
            last = QFontMetrics(self.font()).elidedText(rest, Qt.TextElideMode.ElideRight, width)
            lines[self._most - 1 :] = [last]
        return lines
