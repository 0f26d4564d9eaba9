"""The photo list as a person uses it: filter, choose, watch the work progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QImage, QKeySequence
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QMainWindow, QProgressBar, QToolButton

from annotator.core.categories import Categories
from annotator.core.document import Status
from annotator.core.image_list import NOT_LOOKED_AT, ImageList
from annotator.core.photo_state import PhotoNotes
from annotator.panels.photos import FILTERS, PhotosPanel
from tests.qt import find

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

NAMES = ["lake/0001.jpg", "lake/0002.jpg", "town/0003.jpg", "town/0004.jpg", "town/lake view.jpg"]


@pytest.fixture
def photos() -> ImageList:
    made = ImageList()
    made.set_photos(NAMES, [Status.DONE, Status.NEW, Status.STARTED, Status.SUGGESTED, Status.NEW], [3, 0, 1, 0, 0])
    return made


@pytest.fixture
def panel(qtbot: QtBot, photos: ImageList) -> PhotosPanel:
    made = PhotosPanel(photos, Categories())
    qtbot.addWidget(made)
    made.resize(260, 400)
    made.show()
    return made


@pytest.fixture
def chosen(panel: PhotosPanel) -> list[str]:
    names: list[str] = []
    panel.photo_chosen.connect(names.append)
    return names


def listed(panel: PhotosPanel) -> list[str]:
    model = panel.rows.model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def current(panel: PhotosPanel) -> str | None:
    return panel.rows.currentIndex().data()


def click(qtbot: QtBot, panel: PhotosPanel, row: int) -> None:
    at = panel.rows.visualRect(panel.rows.model().index(row, 0)).center()
    qtbot.mouseClick(panel.rows.viewport(), Qt.MouseButton.LeftButton, pos=at)


def type_filter(qtbot: QtBot, panel: PhotosPanel, text: str) -> QLineEdit:
    field = panel.findChild(QLineEdit, "photos.filter")
    assert isinstance(field, QLineEdit)
    field.clear()
    qtbot.keyClicks(field, text)
    return field


def filter_status(panel: PhotosPanel, text: str) -> None:
    combo = panel.findChild(QComboBox, "photos.status")
    assert isinstance(combo, QComboBox)
    combo.setCurrentText(text)
    assert combo.currentText() == text


def footer(panel: PhotosPanel) -> str:
    label = panel.findChild(QLabel, "photos.progress_text")
    assert isinstance(label, QLabel)
    return label.text()


def shown(panel: PhotosPanel) -> str:
    line = find(panel, QLabel, "photos.shown")
    return line.text() if line.isVisible() else ""


def test_a_click_chooses(qtbot: QtBot, panel: PhotosPanel, chosen: list[str]) -> None:
    click(qtbot, panel, 2)
    assert chosen == ["town/0003.jpg"]


def test_a_row_can_be_chosen_after_an_error_in_showing_another_one(
    qtbot: QtBot, panel: PhotosPanel, chosen: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(panel._model, "set_current", lambda _name: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            panel.set_current(NAMES[0])
    click(qtbot, panel, 2)
    assert chosen == [NAMES[2]]


def test_up_and_down_choose(qtbot: QtBot, panel: PhotosPanel, chosen: list[str]) -> None:
    panel.set_current(NAMES[1])
    qtbot.keyClick(panel.rows, Qt.Key.Key_Down)
    panel.set_current(chosen[-1])
    qtbot.keyClick(panel.rows, Qt.Key.Key_Up)
    assert chosen == [NAMES[2], NAMES[1]]


def test_showing_the_current_photo_does_not_choose_it(panel: PhotosPanel, chosen: list[str]) -> None:
    panel.set_current(NAMES[3])
    assert current(panel) == NAMES[3]
    panel.set_current(None)
    assert current(panel) is None
    assert not panel.rows.selectionModel().hasSelection()
    assert chosen == []


def test_the_text_filter_wants_every_word(qtbot: QtBot, panel: PhotosPanel, chosen: list[str]) -> None:
    panel.set_current(NAMES[4])
    type_filter(qtbot, panel, "LAKE jpg")
    assert listed(panel) == [NAMES[0], NAMES[1], NAMES[4]]
    assert current(panel) == NAMES[4]
    type_filter(qtbot, panel, "town lake")
    assert listed(panel) == [NAMES[4]]
    assert shown(panel) == "1 of 5 shown"
    type_filter(qtbot, panel, "xyz")
    assert listed(panel) == []
    assert panel.rows.empty_text == "No photo matches the filter."
    assert chosen == []


def test_escape_clears_the_filter_and_shows_the_current_photo(qtbot: QtBot, panel: PhotosPanel) -> None:
    panel.set_current(NAMES[3])
    field = type_filter(qtbot, panel, "0001")
    assert current(panel) is None
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert listed(panel) == NAMES
    assert current(panel) == NAMES[3]


def test_enter_in_the_filter_chooses_the_first_match(qtbot: QtBot, panel: PhotosPanel, chosen: list[str]) -> None:
    field = type_filter(qtbot, panel, "town")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert chosen == [NAMES[2]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("All", NAMES),
        ("Not done", NAMES[1:]),
        ("New", [NAMES[1], NAMES[4]]),
        ("Has suggestions", [NAMES[3]]),
        ("In progress", [NAMES[2]]),
        ("Done", [NAMES[0]]),
        ("Unreadable", []),
    ],
)
def test_the_status_filter(panel: PhotosPanel, text: str, expected: list[str]) -> None:
    filter_status(panel, text)
    assert listed(panel) == expected


def test_every_status_has_a_filter() -> None:
    assert set(Status) == {status for _, statuses in FILTERS if statuses and len(statuses) == 1 for status in statuses}


def test_the_current_photo_stays_listed_until_it_is_left(panel: PhotosPanel, photos: ImageList) -> None:
    filter_status(panel, "Not done")
    panel.set_current(NAMES[1])
    photos.update(NAMES[1], status=Status.DONE)
    assert NAMES[1] in listed(panel)
    assert current(panel) == NAMES[1]
    panel.set_current(NAMES[2])
    assert listed(panel) == NAMES[2:]
    assert current(panel) == NAMES[2]


def test_photos_come_and_go_as_their_status_changes(panel: PhotosPanel, photos: ImageList, chosen: list[str]) -> None:
    panel.set_current(NAMES[3])
    filter_status(panel, "Has suggestions")
    for name in (NAMES[4], NAMES[0], NAMES[1]):
        photos.update(name, status=Status.SUGGESTED, suggestions=2)
    assert listed(panel) == [NAMES[0], NAMES[1], NAMES[3], NAMES[4]]
    photos.update(NAMES[1], status=Status.NEW)
    assert listed(panel) == [NAMES[0], NAMES[3], NAMES[4]]
    assert current(panel) == NAMES[3]
    assert (footer(panel), shown(panel)) == ("0 of 5 done", "3 of 5 shown")
    assert chosen == []


def test_many_changes_at_once_leave_the_current_photo_listed(
    panel: PhotosPanel, photos: ImageList, chosen: list[str]
) -> None:
    panel.set_current(NAMES[3])
    filter_status(panel, "Has suggestions")
    resets: list[str] = []
    panel.rows.model().modelReset.connect(lambda: resets.append("reset"))
    with photos.together():
        for name in (NAMES[4], NAMES[0]):
            photos.update(name, status=Status.SUGGESTED)
        photos.update(NAMES[3], status=Status.DONE)
        assert listed(panel) == [NAMES[3]]
    assert listed(panel) == [NAMES[0], NAMES[3], NAMES[4]]
    assert (current(panel), footer(panel), shown(panel)) == (NAMES[3], "1 of 5 done", "3 of 5 shown")
    with photos.together():
        photos.update(NAMES[4], suggestions=9)
    assert (resets, chosen) == (["reset"], [])
    panel.set_current(NAMES[4])
    assert listed(panel) == [NAMES[0], NAMES[4]]


def test_progress_counts_the_done(panel: PhotosPanel, photos: ImageList) -> None:
    assert footer(panel) == "1 of 5 done"
    photos.update(NAMES[1], status=Status.DONE)
    assert footer(panel) == "2 of 5 done"
    bar = panel.findChild(QProgressBar, "photos.progress")
    assert isinstance(bar, QProgressBar)
    assert (bar.value(), bar.maximum()) == (2, 5)


def test_all_that_can_be_read_is_all(panel: PhotosPanel, photos: ImageList) -> None:
    photos.update(NAMES[1], error="The file is cut off.")
    photos.update(NAMES[2], error="The file is empty.")
    assert footer(panel) == "1 of 3 done"
    label = panel.findChild(QLabel, "photos.progress_text")
    assert isinstance(label, QLabel)
    assert label.toolTip() == "2 unreadable, not counted"
    for name in NAMES[3:]:
        photos.update(name, status=Status.DONE)
    assert footer(panel) == "3 of 3 done"
    bar = panel.findChild(QProgressBar, "photos.progress")
    assert isinstance(bar, QProgressBar)
    assert (bar.value(), bar.maximum()) == (3, 3)
    photos.update(NAMES[1], error="", status=Status.NEW)
    assert footer(panel) == "3 of 4 done"


def test_the_filter_can_be_cleared_from_outside(qtbot: QtBot, panel: PhotosPanel, chosen: list[str]) -> None:
    panel.set_current(NAMES[1])
    field = type_filter(qtbot, panel, "town")
    filter_status(panel, "In progress")
    panel.clear_filter()
    assert field.text() == ""
    combo = panel.findChild(QComboBox, "photos.status")
    assert isinstance(combo, QComboBox)
    assert combo.currentText() == "All"
    assert listed(panel) == NAMES
    assert current(panel) == NAMES[1]
    assert (footer(panel), shown(panel)) == ("1 of 5 done", "")
    assert chosen == []


def test_a_narrow_panel_shows_what_is_typed(qtbot: QtBot, panel: PhotosPanel) -> None:
    panel.resize(252, 400)
    field = type_filter(qtbot, panel, "img_0001")
    icon, clear = sorted((b for b in field.findChildren(QToolButton) if b.isVisible()), key=lambda b: b.x())
    room = clear.x() - icon.geometry().right()
    assert room >= field.fontMetrics().horizontalAdvance("MMMMMMMM")
    panel.clear_filter()
    qtbot.waitUntil(lambda: not clear.isVisible())


def test_control_characters_in_a_name_are_visible_on_one_line(panel: PhotosPanel, photos: ImageList) -> None:
    photos.set_photos(["two\nlines.jpg", "a\ttab\x1b.jpg"])
    assert listed(panel) == ["two↵lines.jpg", "a⇥tab�.jpg"]
    index = panel.rows.model().index(0, 0)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "two↵lines.jpg, new"
    assert index.data(Qt.ItemDataRole.ToolTipRole) == "two↵lines.jpg\nnew"
    names: list[str] = []
    panel.photo_chosen.connect(names.append)
    panel.rows.setCurrentIndex(index)
    assert names == ["two\nlines.jpg"]  # the name itself


def test_a_photo_without_finds_says_so(panel: PhotosPanel, photos: ImageList) -> None:
    def in_words(row: int) -> str:
        return panel.rows.model().index(row, 0).data(Qt.ItemDataRole.AccessibleTextRole)

    def right_half(row: int) -> QImage:
        rect = panel.rows.visualRect(panel.rows.model().index(row, 0))
        image = panel.rows.viewport().grab().toImage()
        return image.copy(rect.center().x(), rect.top() + 2, rect.width() // 2, rect.height() - 4)

    empty = right_half(1)
    assert in_words(1) == "lake/0002.jpg, new"
    photos.update(NAMES[1], suggestions=0)
    assert in_words(1) == "lake/0002.jpg, new, no suggestions"
    assert right_half(1) != empty
    photos.update(NAMES[1], suggestions=NOT_LOOKED_AT)
    assert right_half(1) == empty
    photos.update(NAMES[0], suggestions=0)
    assert in_words(0) == "lake/0001.jpg, done, 3 annotations"


def test_the_same_photos_with_more_known_keep_the_current_one(
    panel: PhotosPanel, photos: ImageList, chosen: list[str]
) -> None:
    panel.set_current(NAMES[2])
    photos.set_photos(["first.jpg", *NAMES], [Status.NEW] * 6)
    assert current(panel) == NAMES[2]
    assert panel.rows.selectionModel().isSelected(panel.rows.currentIndex())
    assert chosen == []


def test_another_folder(panel: PhotosPanel, photos: ImageList, chosen: list[str]) -> None:
    panel.set_current(NAMES[4])
    photos.set_photos(["x.jpg"])
    assert listed(panel) == ["x.jpg"]
    assert footer(panel) == "0 of 1 done"
    photos.set_photos([])
    assert footer(panel) == ""
    assert panel.rows.empty_text == "No photos are open."
    assert chosen == []


def test_an_unreadable_photo_says_why(panel: PhotosPanel, photos: ImageList) -> None:
    photos.update(NAMES[1], error="The file is cut off.")
    index = panel.rows.model().index(1, 0)
    assert "The file is cut off." in index.data(Qt.ItemDataRole.ToolTipRole)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "lake/0002.jpg, unreadable"


def test_tags_and_a_note_are_in_the_tooltip(panel: PhotosPanel, photos: ImageList) -> None:
    photos.update(NAMES[1], notes=PhotoNotes(("night", "fog"), "Ask."))
    tip = panel.rows.model().index(1, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert tip == "lake/0002.jpg\nnew\nnight, fog\nAsk."


def test_a_row_in_words(panel: PhotosPanel) -> None:
    index = panel.rows.model().index(0, 0)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "lake/0001.jpg, done, 3 annotations"


def test_the_windows_keys_reach_the_window_from_the_list(qtbot: QtBot, photos: ImageList) -> None:
    panel = PhotosPanel(photos, Categories())
    window = QMainWindow()
    qtbot.addWidget(window)
    window.setCentralWidget(panel)
    pressed: list[str] = []
    for key in ("D", "Del", "Return", "Esc", "Up"):
        action = QAction(key, window)
        action.setShortcut(QKeySequence(key))
        action.triggered.connect(lambda _=False, key=key: pressed.append(key))
        window.addAction(action)
    window.show()
    qtbot.waitExposed(window)
    window.activateWindow()
    panel.rows.setFocus()
    qtbot.waitUntil(panel.rows.hasFocus)
    for key in (Qt.Key.Key_D, Qt.Key.Key_Delete, Qt.Key.Key_Return, Qt.Key.Key_Escape, Qt.Key.Key_Up):
        qtbot.keyClick(panel.rows, key)
    assert pressed == ["D", "Del", "Return", "Esc"]
    pressed.clear()
    panel.focus_filter()
    field = type_filter(qtbot, panel, "d")
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert pressed == []
    assert panel.rows.hasFocus()


def test_rows_are_painted_for_every_status(qtbot: QtBot, panel: PhotosPanel, photos: ImageList) -> None:
    photos.set_photos(["folder/" * 9 + f"{status}.jpg" for status in Status])
    for i, status in enumerate(Status):
        photos.update(photos.names[i], status=status, count=i, suggestions=4)
    panel.set_current(photos.names[0])
    image = panel.rows.viewport().grab().toImage()
    glyphs: list[QImage] = []
    for row in range(len(Status)):
        rect = panel.rows.visualRect(panel.rows.model().index(row, 0))
        glyph = image.copy(rect.left() + 10, rect.top(), 22, rect.height())
        assert glyph not in glyphs
        glyphs.append(glyph)
    assert panel.rows.indexAt(QPoint(20, panel.rows.visualRect(panel.rows.currentIndex()).center().y())).row() == 0


def test_a_name_with_a_tag_in_it_is_no_markup(panel: PhotosPanel, photos: ImageList) -> None:
    photos.set_photos(["<b>bold</b>.jpg"])
    tip = panel.rows.model().index(0, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert "&lt;b&gt;bold&lt;/b&gt;.jpg<br>new" in tip
