"""Simplifying and smoothing what is selected: a card over the photo whose sliders show at once what they do."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QSlider

from annotator.canvas.gesture_keys import GestureKeys
from annotator.canvas.tools.base import ENDING_KEYS, is_plain
from annotator.core import edits
from annotator.panels.corner_card import CornerCard
from annotator.panels.sliders import WheelSlider
from annotator.panels.widgets import label, name_control, set_tone
from annotator.session.time_slices import TimeSlicer
from dataset.i18n import mark, plural, tr
from dataset.simplify import mended, refine, vertex_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from PySide6.QtWidgets import QStackedWidget
    from shapely import MultiPolygon

    from annotator.canvas.view import CanvasView
    from annotator.core.annotation import Annotation
    from annotator.core.document import Document
    from annotator.panels.banner import Banner
    from annotator.session.session import Session
    from annotator.settings import Settings

NO_OUTLINE = mark("Select an object that has an outline")
NOTCHES = 60
"""Of a slider; the first is nothing, the others are from `_LEAST` to `_MOST`, each as much larger in per cent."""
_LEAST, _MOST = 0.1, 20.0  # photo pixels
_USUAL = 27  # notch: 1 pixel
_TOLERANCE = "simplify"  # settings key
_SLIDING = (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Home, Qt.Key.Key_End)


def pixels(notch: int) -> float:
    """Return the distance at a place of a slider."""
    return round(_LEAST * (_MOST / _LEAST) ** ((notch - 1) / (NOTCHES - 1)), 2) if notch else 0.0


class Simplifying(CornerCard):
    """The card. Enter applies what is shown as one step, Escape leaves everything as it was."""

    def __init__(
        self, session: Session, canvas: CanvasView, settings: Settings, pages: QStackedWidget, banner: Banner
    ) -> None:
        """Lie over `pages`, in the upper right corner."""
        super().__init__(pages, banner, right=True)
        self.setObjectName("simplify")
        self._session, self._canvas, self._settings = session, canvas, settings
        self._document: Document | None = None
        self._records: tuple[Annotation, ...] = ()  # what is worked on, as it is on record
        self._starts: dict[int, MultiPolygon] = {}  # theirs, where edges cross as they are painted
        self._made: dict[int, MultiPolygon] = {}
        self._is_applying = False  # as soon as all is made
        self._slicer = TimeSlicer(self)
        self._slicer.done.connect(self._show_made)
        self._keys = GestureKeys(self, self._takes)
        tips = (
            tr("Leave out the vertices that the outline needs only within so many pixels of the photo"),
            tr("Even the outline out, and move it by no more than so many pixels of the photo"),
        )
        self._tolerance = self._slider("simplify.tolerance", tr("Simplify"), tips[0])
        self._strength = self._slider("simplify.smooth", tr("Smooth"), tips[1])
        self._count, self._note = label(), label(tone="muted")
        self._count.setObjectName("simplify.count")
        self._lay_out()
        session.document_changed.connect(lambda _document: self._close())
        self.hide()

    def _slider(self, name: str, title: str, tip: str) -> QSlider:
        made = WheelSlider(Qt.Orientation.Horizontal)
        made.setRange(0, NOTCHES)
        made.setPageStep(5)
        made.setMinimumWidth(170)
        name_control(made, name, tip, title)
        made.valueChanged.connect(self._begin)
        made.installEventFilter(self)
        return made

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(14, 10, 14, 12)
        grid.setHorizontalSpacing(10)
        grid.setColumnMinimumWidth(2, 52)
        self._values = {slider: label(tone="muted") for slider in (self._tolerance, self._strength)}
        for row, (slider, value) in enumerate(self._values.items()):
            grid.addWidget(label(slider.accessibleName()), row, 0)
            grid.addWidget(slider, row, 1)
            grid.addWidget(value, row, 2, Qt.AlignmentFlag.AlignRight)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self._count, 1)
        for name, text, tip, slot in (
            ("simplify.cancel", tr("Cancel"), tr("Leave the outline as it was (Esc)"), self._cancel),
            ("simplify.apply", tr("Apply"), tr("Take what is shown, as one step (Enter)"), self._apply),
        ):
            button = QPushButton(text)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Enter and Esc do the same
            name_control(button, name, tip)
            button.clicked.connect(slot)
            foot.addWidget(button)
        set_tone(button, "accent")
        grid.addLayout(foot, 2, 0, 1, 3)
        grid.addWidget(self._note, 3, 0, 1, 3)

    def handlers(self) -> dict[str, Callable[..., object]]:
        """Return the handler of the action."""
        return {"object.simplify": self._open}

    # What is worked on

    def _open(self, _on: object = None) -> None:
        document = self._session.document
        if document is None or self._canvas.holds:
            return
        self._canvas.finish()
        if not self.isVisible():
            self._document = document
            document.changed.connect(self._follow)
            document.selection_changed.connect(self._follow)
            for slider, notch in (
                (self._tolerance, self._settings.number(_TOLERANCE, default=_USUAL)),
                (self._strength, 0),
            ):
                with QSignalBlocker(slider):
                    slider.setValue(notch)
            self._keys.set_running(True)
        self.show()
        self._tolerance.setFocus()
        self._follow()

    def _follow(self, _ids: object = None) -> None:
        """Work on what is selected now, as it is on record now."""
        document = self._document
        found = map(document.get, document.selection) if document else ()
        records = tuple(record for record in found if record is not None and not record.shape.is_empty)
        is_same = len(records) == len(self._records) and all(map(operator.is_, records, self._records))
        if not records:
            self._close()
        elif not is_same:
            self._records, self._starts = records, {}
            self._begin()

    def _begin(self, _notch: object = None) -> None:
        """Make everything anew, between events."""
        for slider, value in self._values.items():
            notch = slider.value()
            value.setText(tr("{number} px", number=f"{pixels(notch):.1f}") if notch else tr("off"))
        self._slicer.start(self._refined())

    def _refined(self) -> Iterator[tuple[int, MultiPolygon]]:
        assert self._document is not None, "there is one while the card is open"
        tolerance, strength = pixels(self._tolerance.value()), pixels(self._strength.value())
        for record in self._records:
            if record.id not in self._starts:
                start = mended(record.shape, self._document.size)
                self._starts[record.id] = record.shape if start.is_empty else start
            yield record.id, refine(self._starts[record.id], tolerance, strength, self._document.size)

    def _show_made(self, made: list[tuple[int, MultiPolygon]]) -> None:
        self._made = dict(made)
        changed = [r.with_shape(self._made[r.id]) for r in self._records if self._made[r.id] is not r.shape]
        self._canvas.show_proposal({record.id: record for record in changed})
        before, after = (
            sum(map(vertex_count, shapes)) for shapes in ((r.shape for r in self._records), self._made.values())
        )
        self._count.setText(plural("{before} → {n} vertex", "{before} → {n} vertices", after, before=before))
        mended = sum(not r.shape.is_valid for r in changed)
        self._note.setText(plural("Edges that cross are mended", "Edges that cross are mended in {n} objects", mended))
        self._note.setVisible(bool(mended))
        self.place()
        if self._is_applying:
            self._apply()

    # How it ends

    def _apply(self) -> None:
        document, records = self._document, self._records
        self._is_applying = self._made.keys() != {record.id for record in records} or self._slicer.is_running
        if document is None or self._is_applying:
            return
        shapes = {r.id: self._made[r.id] for r in records if not self._made[r.id].equals_exact(r.shape)}
        self._settings.set_number(_TOLERANCE, self._tolerance.value())
        text = plural("simplify outline", "simplify {n} outlines", len(shapes))
        self._cancel()
        if shapes:
            self._session.push(edits.reshape(document, text, shapes, self._session.new_id))

    def _cancel(self) -> None:
        self._close()
        self._canvas.setFocus()

    def _close(self) -> None:
        if self._document is not None:
            self._document.changed.disconnect(self._follow)
            self._document.selection_changed.disconnect(self._follow)
        self._document, self._records, self._made, self._is_applying = None, (), {}, False
        self._slicer.stop()
        self._keys.set_running(False)
        self._canvas.show_proposal({})
        self.hide()

    # Keys

    def _takes(self, event: QKeyEvent) -> bool:
        """Return whether a key is one of those that end it, wherever the keyboard is."""
        return event.key() in (*ENDING_KEYS, Qt.Key.Key_Escape) and is_plain(event) and not self._canvas.busy

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Apply or leave."""
        if not self._takes(event):
            super().keyPressEvent(event)
        elif event.key() == Qt.Key.Key_Escape:
            self._cancel()
        else:
            self._apply()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Give a slider its keys before the window's shortcuts."""
        if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
            return super().eventFilter(watched, event)
        if watched in self._values and event.key() in _SLIDING:
            event.accept()
            return True
        return super().eventFilter(watched, event)
