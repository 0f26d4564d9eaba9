"""The message that floats over the photo: it moves nothing, and leaves the keyboard focus where it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QElapsedTimer, QEvent, QObject, QRect, QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QPushButton, QSizePolicy, QWidget

from annotator import icons, theme
from annotator.panels.widgets import MARGIN, breakable, label, set_tone, tool_button
from dataset.i18n import mark, plural, tr

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtGui import QPaintEvent

Kind = Literal["info", "warning", "error"]

_KINDS: dict[Kind, str] = {"info": mark("info"), "warning": mark("warning"), "error": mark("error")}

GAP = 12  # between the message and the edges of what it floats over
MAX_WIDTH = 720  # of a message; longer ones have more lines
INFO_SHOWN_MS = 6000  # an info without actions goes by itself after this; what else there is stays until closed
SETTLING_MS = 400  # after a message has come under the mouse, a press was meant for what was there before

_PRESSES = (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick)


@dataclass(frozen=True, slots=True)
class _Message:
    text: str
    kind: Kind
    actions: tuple[tuple[str, Callable[[], object]], ...]
    topic: str
    of_folder: bool
    on_close: Callable[[], object] | None = None

    @property
    def is_passing(self) -> bool:
        return self.kind == "info" and not self.actions

    def is_about(self, topic: str) -> bool:
        """Return whether this is a message on a topic; "" is none."""
        return topic != "" and self.topic == topic


class Banner(QWidget):
    """Shows the newest message; closing it shows the one before. Hidden while there is none.

    It floats at the top of its parent, as wide as the message needs.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.setCursor(Qt.CursorShape.ArrowCursor)
        if parent:
            parent.installEventFilter(self)
        self._messages: list[_Message] = []
        self._text = label()
        self._text.setObjectName("banner.text")
        self._text.setWordWrap(True)
        self._text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._more = label(tone="muted")
        self._more.setObjectName("banner.more")
        self._buttons: list[QPushButton] = []
        self._close = tool_button("close", "banner.close", tr("Close this message"))
        self._close.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._close.clicked.connect(self._close_by_hand)
        self._close.installEventFilter(self)
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(MARGIN + 24, 8, 8, 8)
        self._layout.setSpacing(8)
        self._layout.addWidget(self._text, 1)
        self._layout.addWidget(self._more)
        self._layout.addWidget(self._close)
        self._shown_for = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(INFO_SHOWN_MS)
        self._timer.timeout.connect(self.close_message)
        self.hide()

    def show_message(
        self,
        text: str,
        kind: Kind = "info",
        actions: Sequence[tuple[str, Callable[[], object]]] = (),
        *,
        topic: str = "",
        of_folder: bool = True,
        is_offer: bool = False,
        on_close: Callable[[], object] | None = None,
    ) -> None:
        """Show a message over those there are; a text that is there already is shown once.

        An offer, which can wait, comes when the others are closed.

        A message with a topic, such as "save", takes the place of the one before on this topic, and `retract` takes
        it back once its cause is gone. `leave_folder` takes back all that are `of_folder`.

        Each action is a button's text and what it does; the message is closed when one is clicked. An info without
        actions goes by itself after a while, and makes place for the next message. `on_close` is called where a person
        closes the message without any of them.
        """
        new = _Message(text, kind, tuple(actions), topic, of_folder, on_close)
        self._messages = [m for m in self._messages if not (m.is_passing or m.text == text or m.is_about(topic))]
        self._messages.insert(0 if is_offer else len(self._messages), new)
        self._show_newest()

    def retract(self, topic: str) -> None:
        """Take back the messages of a topic, shown or waiting: they no longer hold. "" is no topic."""
        self._keep([m for m in self._messages if not m.is_about(topic)])

    def leave_folder(self) -> None:
        """Take back what was about the folder, or happened in it: it is no longer open."""
        self._keep([m for m in self._messages if not m.of_folder])

    def _keep(self, left: list[_Message]) -> None:
        shown_stays = left[-1:] == self._messages[-1:]
        self._messages = left
        if shown_stays:
            self._show_number_of_older()  # and an info's time goes on
        else:
            self._show_newest()

    def has(self, topic: str) -> bool:
        """Return whether there is a message on a topic, shown or waiting."""
        return any(m.is_about(topic) for m in self._messages)

    def close_message(self) -> None:
        """Close the message shown."""
        if self._messages:
            self._messages.pop()
        self._show_newest()

    def _close_by_hand(self) -> None:
        on_close = self._messages[-1].on_close if self._messages else None
        self.close_message()
        if on_close:
            on_close()

    def clear(self) -> None:
        """Close all messages."""
        self._messages.clear()
        self._show_newest()

    @property
    def text(self) -> str:
        """The message shown, or ""."""
        return self._messages[-1].text if self._messages else ""

    @property
    def kind(self) -> Kind | None:
        """The kind of the message shown."""
        return self._messages[-1].kind if self._messages else None

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint ground and icon in the colours of the kind."""
        if not self._messages:
            return
        kind = self._messages[-1].kind
        colors = theme.current()
        ground = {"info": colors.info_ground, "warning": colors.warning_ground, "error": colors.error_ground}[kind]
        stroke = {"info": colors.accent, "warning": colors.warning, "error": colors.error}[kind]
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.mix(ground, stroke, 0.35)), 1))
        painter.setBrush(QColor(ground))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        icons.paint(painter, kind, QRect(MARGIN, (self.height() - 16) // 2, 16, 16), stroke)
        painter.end()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep to the middle of what it floats over; keep from the buttons what was meant for what was there before."""
        if isinstance(watched, QAbstractButton):
            return event.type() in _PRESSES and self._shown_for.elapsed() < SETTLING_MS
        if event.type() == QEvent.Type.Resize and self._messages:
            self._place()
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent) -> None:
        """Take the room that a new font needs."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange) and self._messages:
            self._place()

    def _place(self) -> None:
        """Be as wide as the text in one line, where there is room for that, and as high as its lines."""
        parent = self.parentWidget()
        if parent is None:
            return
        self._layout.activate()
        line = self._text.fontMetrics().horizontalAdvance(self._text.text())
        width = min(self._layout.minimumSize().width() + line + 2, MAX_WIDTH, parent.width() - 2 * GAP)
        height = max(self._layout.totalHeightForWidth(width), self._layout.minimumSize().height())
        self.setGeometry((parent.width() - width) // 2, GAP, width, height)

    def _show_newest(self) -> None:
        self._timer.stop()
        for button in self._buttons:
            self._layout.removeWidget(button)
            button.hide()
            button.deleteLater()
        self._buttons = []
        if not self._messages:
            self.hide()
            return
        self._shown_for.start()
        self._close.setDown(False)  # pressed for the message before: released, it closes nothing
        message = self._messages[-1]
        self._text.setText(breakable(message.text))
        self.setAccessibleName(f"{tr(_KINDS[message.kind])}: {message.text}")
        for at, (text, act) in enumerate(message.actions):
            self._buttons.append(self._action_button(text, act))
            self._layout.insertWidget(1 + at, self._buttons[-1])
            self._buttons[-1].show()
        self._show_number_of_older()
        if message.is_passing:
            self._timer.start()
        self.show()
        self.raise_()
        self.update()

    def _show_number_of_older(self) -> None:
        older = len(self._messages) - 1
        self._more.setText(plural("{n} more", "{n} more", older))
        self._more.setVisible(older > 0)
        self._place()

    def _action_button(self, text: str, act: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName("banner.action")
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.installEventFilter(self)
        set_tone(button, "flat")

        def clicked() -> None:
            self.close_message()
            act()

        button.clicked.connect(clicked)
        return button
