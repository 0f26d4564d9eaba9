"""The instance list: follows the document, shares its selection."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from annotator.core import edits
from annotator.core.annotation import Annotation, Origin
from annotator.core.categories import Categories
from annotator.core.document import Document
from annotator.core.photo_state import PhotoState
from annotator.panels.instances import InstancesPanel
from dataset import geometry


def square(annotation_id: int, at: float, **fields: object) -> Annotation:
    return Annotation(annotation_id, 1, geometry.rectangle(at, 0, at + 10, 10), **fields)  # type: ignore[arg-type]


def suggestion(annotation_id: int, at: float, score: float) -> Annotation:
    return square(annotation_id, at, origin=Origin.SUGGESTED, score=score)


@pytest.fixture
def categories() -> Categories:
    made = Categories()
    made.add("person")
    made.add("cup")
    return made


@pytest.fixture
def document() -> Document:
    made = Document("1.jpg", PhotoState((640, 480), (square(1, 0), square(2, 20, origin=Origin.EDITED))))
    made.set_suggestions([suggestion(-1, 100, 0.6), suggestion(-2, 120, 0.9), suggestion(-3, 140, 0.2)])
    return made


@pytest.fixture
def panel(qtbot: QtBot, categories: Categories, document: Document) -> InstancesPanel:
    made = InstancesPanel(categories)
    qtbot.addWidget(made)
    made.resize(260, 300)
    made.set_document(document)
    made.show()
    return made


def listed(panel: InstancesPanel) -> list[str]:
    model = panel.rows.model()
    return [model.index(row, 0).data(Qt.ItemDataRole.AccessibleTextRole) for row in range(model.rowCount())]


def selected_rows(panel: InstancesPanel) -> list[int]:
    return sorted(index.row() for index in panel.rows.selectionModel().selectedIndexes())


def header(panel: InstancesPanel) -> str:
    label = panel.findChild(QLabel, "instances.header")
    assert isinstance(label, QLabel)
    return label.text()


def center(panel: InstancesPanel, row: int) -> QPoint:
    return panel.rows.visualRect(panel.rows.model().index(row, 0)).center()


def click(
    qtbot: QtBot, panel: InstancesPanel, row: int, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    qtbot.mouseClick(panel.rows.viewport(), Qt.MouseButton.LeftButton, modifier, center(panel, row))


def test_newest_on_top_then_the_best_suggestion(panel: InstancesPanel) -> None:
    assert listed(panel) == [
        "person, corrected",
        "person, drawn",
        "person, suggested with score 0.90",
        "person, suggested with score 0.60",
    ]
    assert header(panel) == "2 objects · 2 suggestions"


def test_it_follows_edits_and_undo(panel: InstancesPanel, document: Document) -> None:
    accept = edits.accept(document, [-1], lambda: 3)
    document.apply(accept)
    assert listed(panel)[0] == "person, accepted, score 0.60"
    assert header(panel) == "3 objects · 1 suggestion"
    assert selected_rows(panel) == [0]
    delete = edits.delete(document, [1, 2])
    document.apply(delete)
    assert header(panel) == "1 object · 1 suggestion"
    document.revert(delete)
    document.revert(accept)
    assert header(panel) == "2 objects · 2 suggestions"
    assert selected_rows(panel) == []


def test_it_follows_a_change_of_class_and_of_its_name(
    panel: InstancesPanel, document: Document, categories: Categories
) -> None:
    document.apply(edits.relabel(document, [1], 2, lambda: 9))
    assert listed(panel)[1] == "cup, drawn"
    categories.rename(2, "mug")
    assert listed(panel)[1] == "mug, drawn"


def test_it_follows_the_threshold(panel: InstancesPanel, document: Document) -> None:
    document.select([-1])
    document.threshold = 0.1
    assert header(panel) == "2 objects · 3 suggestions"
    assert selected_rows(panel) == [3]
    document.threshold = 0.8
    assert listed(panel)[2:] == ["person, suggested with score 0.90"]
    assert document.selection == ()
    assert selected_rows(panel) == []


def test_refreshing_keeps_the_rows_that_stay(panel: InstancesPanel, document: Document) -> None:
    resets: list[bool] = []
    panel.rows.model().modelReset.connect(lambda: resets.append(True))
    document.threshold = 0.1
    document.apply(edits.accept(document, [-2], lambda: 3))
    document.apply(edits.add(document, [square(4, 300)]))
    document.apply(edits.delete(document, [1, 4]))
    assert resets == []
    assert listed(panel) == [
        "person, accepted, score 0.90",
        "person, corrected",
        "person, suggested with score 0.60",
        "person, suggested with score 0.20",
    ]


def test_another_pool_with_the_same_ids_in_another_order(panel: InstancesPanel, document: Document) -> None:
    document.set_suggestions([suggestion(-1, 100, 0.95), suggestion(-2, 120, 0.7)])
    assert listed(panel)[2:] == ["person, suggested with score 0.95", "person, suggested with score 0.70"]


def test_a_click_selects_in_the_document(qtbot: QtBot, panel: InstancesPanel, document: Document) -> None:
    click(qtbot, panel, 2)
    assert document.selection == (-2,)
    click(qtbot, panel, 0, Qt.KeyboardModifier.ControlModifier)
    assert document.selection == (-2, 2)  # the one clicked last has the handles
    qtbot.keyClick(panel.rows, Qt.Key.Key_Down)
    assert document.selection == (1,)


def test_a_selection_elsewhere_is_shown(panel: InstancesPanel, document: Document) -> None:
    document.select([1, -1])
    assert selected_rows(panel) == [1, 3]
    assert document.selection == (1, -1)
    document.select([])
    assert selected_rows(panel) == []


def test_hovering(qtbot: QtBot, panel: InstancesPanel) -> None:
    hovered: list[int | None] = []
    panel.hovered.connect(hovered.append)
    qtbot.mouseMove(panel.rows.viewport(), center(panel, 0))
    qtbot.mouseMove(panel.rows.viewport(), center(panel, 2))
    assert hovered == [2, -2]
    QApplication.sendEvent(panel.rows.viewport(), QEvent(QEvent.Type.Leave))
    assert hovered == [2, -2, None]


def test_hover_from_the_canvas_is_not_sent_back(panel: InstancesPanel) -> None:
    hovered: list[int | None] = []
    panel.hovered.connect(hovered.append)
    before = panel.rows.viewport().grab().toImage()
    panel.set_hovered(1)
    assert panel.rows.viewport().grab().toImage() != before
    assert hovered == []


def test_a_double_click_zooms(qtbot: QtBot, panel: InstancesPanel) -> None:
    click(qtbot, panel, 1)
    with qtbot.waitSignal(panel.zoom_requested, check_params_cb=lambda i: i == 1):
        qtbot.mouseDClick(panel.rows.viewport(), Qt.MouseButton.LeftButton, pos=center(panel, 1))


def test_another_photo_and_none(panel: InstancesPanel, document: Document) -> None:
    other = Document("2.jpg", PhotoState((10, 10), (replace(square(7, 0), is_crowd=True),)))
    other.select([7])
    panel.set_document(other)
    assert listed(panel) == ["person, drawn, crowd"]
    assert selected_rows(panel) == [0]
    document.apply(edits.delete(document, [1]))
    assert header(panel) == "1 object · 0 suggestions"
    panel.set_document(None)
    assert listed(panel) == []
    assert header(panel) == ""
    assert other.selection == (7,)


def test_it_says_why_there_is_nothing_to_list(panel: InstancesPanel, document: Document) -> None:
    nothing_yet = "Nothing here yet: draw an object, or wait for suggestions."
    panel.set_document(None)
    assert panel.rows.empty_text == "No photo is open."
    panel.set_empty_text("The annotations of 1.jpg cannot be opened.")
    assert panel.rows.empty_text == "The annotations of 1.jpg cannot be opened."
    panel.set_document(Document("2.jpg", PhotoState((10, 10), ())))
    assert panel.rows.empty_text == nothing_yet
    panel.set_empty_text("")
    assert panel.rows.empty_text == nothing_yet
    panel.set_document(None)
    assert panel.rows.empty_text == "No photo is open."


def test_a_crowd_is_painted_as_one(panel: InstancesPanel, document: Document) -> None:
    def right_half(*records: Annotation) -> QImage:
        panel.set_document(Document("2.jpg", PhotoState((10, 10), tuple(records))))
        rect = panel.rows.visualRect(panel.rows.model().index(0, 0))
        image = panel.rows.viewport().grab().toImage()
        return image.copy(rect.center().x(), rect.top(), rect.width() // 2, rect.height())

    one = right_half(square(7, 0))
    crowd = right_half(square(7, 0, is_crowd=True))
    assert one != crowd
    assert crowd == right_half(square(7, 0, is_crowd=True, origin=Origin.EDITED))  # in place of the origin


def test_a_class_that_is_not_listed_has_its_number(panel: InstancesPanel, document: Document) -> None:
    document.apply(edits.add(document, [Annotation(9, 77)]))
    assert listed(panel)[0] == "class 77, drawn"


def test_delete_is_left_to_the_window(qtbot: QtBot, panel: InstancesPanel, document: Document) -> None:
    document.select([1])
    keys: list[int] = []

    class Parent(InstancesPanel):
        def keyPressEvent(self, event: object) -> None:
            keys.append(event.key())  # type: ignore[attr-defined]

    parent = Parent(Categories())
    qtbot.addWidget(parent)
    parent.set_document(document)
    qtbot.keyClick(parent.rows, Qt.Key.Key_Delete)
    qtbot.keyClick(parent.rows, Qt.Key.Key_Down)
    assert keys == [Qt.Key.Key_Delete]
    assert len(document.annotations) == 2


def test_the_first_selected_stays_the_first(qtbot: QtBot, panel: InstancesPanel, document: Document) -> None:
    """Others are united with it, or cut out of it."""
    click(qtbot, panel, 1)
    for row in (3, 0, 2):
        click(qtbot, panel, row, Qt.KeyboardModifier.ControlModifier)
    assert document.selection == (1, -1, 2, -2)
