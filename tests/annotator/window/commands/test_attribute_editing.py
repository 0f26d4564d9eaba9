"""Attributes and the group, typed in the real window, undone and saved."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialogButtonBox, QLineEdit, QTableWidget, QTableWidgetItem
from pytestqt.qtbot import QtBot

from annotator.core import edits
from annotator.core.annotation import Annotation
from annotator.panels.dialogs.attributes_dialog import AttributesDialog
from dataset.geometry import rectangle
from tests.annotator.conftest import Start, current_document, start_in
from tests.qt import find


def test_they_are_set_for_the_selection_undone_and_saved(qtbot: QtBot, start: Start, folder: Path) -> None:
    window = start_in(qtbot, start, folder)
    session, document = window._session, current_document(window)
    thing = session.categories.add("thing").id
    records = [Annotation(i, thing, rectangle(20 * i, 20, 20 * i + 15, 60), extra={"odd": i}) for i in (1, 2)]
    session.push(edits.add(document, records))
    document.select([1, 2])
    window.canvas.setFocus()
    QTest.keyClick(window.canvas, Qt.Key.Key_T, Qt.KeyboardModifier.ShiftModifier)
    (dialog,) = window.findChildren(AttributesDialog)
    table = find(dialog, QTableWidget, "attributes.table")
    table.setItem(0, 0, QTableWidgetItem("side"))
    table.setItem(0, 1, QTableWidgetItem("left"))
    assert table.rowCount() == 2, "there is room for another"
    QTest.keyClicks(find(dialog, QLineEdit, "attributes.group"), "5")
    box = find(dialog, QDialogButtonBox, "")
    QTest.mouseClick(box.button(QDialogButtonBox.StandardButton.Ok), Qt.MouseButton.LeftButton)
    assert [a.extra for a in document.annotations] == [
        {"odd": i, "attributes": {"side": "left"}, "group_id": 5} for i in (1, 2)
    ]
    row = window.instances.rows.model().index(0, 0)
    assert "side: left, group 5" in row.data(Qt.ItemDataRole.ToolTipRole)
    store = session.store
    assert store
    store.save()
    qtbot.waitUntil(lambda: not store.unsaved)
    saved = json.loads((folder / "annotations.json").read_text())["annotations"]
    assert [(r["attributes"], r["group_id"], r["odd"]) for r in saved] == [({"side": "left"}, 5, i) for i in (1, 2)]
    session.history.undo()
    assert [a.extra for a in document.annotations] == [{"odd": 1}, {"odd": 2}]
