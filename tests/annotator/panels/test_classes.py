"""The class list: choose, add, rename, recolour, search."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QColorDialog, QLabel, QLineEdit, QMenu, QPushButton
from pytestqt.qtbot import QtBot

from annotator.core.categories import PALETTE, Categories
from annotator.panels.class_rows import swatch_rect
from annotator.panels.classes import SEARCH_FROM, ClassesPanel
from annotator.panels.color_popup import ColorPopup


@pytest.fixture
def categories() -> Categories:
    made = Categories()
    for name in ("person", "cup", "dog"):
        made.add(name)
    return made


@pytest.fixture
def panel(qtbot: QtBot, categories: Categories) -> ClassesPanel:
    made = ClassesPanel(categories)
    qtbot.addWidget(made)
    made.resize(260, 400)
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.fixture
def chosen(panel: ClassesPanel) -> list[int]:
    ids: list[int] = []
    panel.chosen.connect(ids.append)
    return ids


@pytest.fixture
def applied(panel: ClassesPanel) -> list[int]:
    ids: list[int] = []
    panel.applied.connect(ids.append)
    return ids


def listed(panel: ClassesPanel) -> list[str]:
    model = panel.rows.model()
    return [model.index(row, 0).data(Qt.ItemDataRole.AccessibleTextRole) for row in range(model.rowCount())]


def field(panel: ClassesPanel, name: str) -> QLineEdit:
    found = panel.findChild(QLineEdit, name)
    assert isinstance(found, QLineEdit)
    return found


def error(panel: ClassesPanel) -> str:
    found = panel.findChild(QLabel, "classes.error")
    assert isinstance(found, QLabel)
    assert found.isVisible() == bool(found.text())
    return found.text()


def name_at(panel: ClassesPanel, row: int) -> QPoint:
    return panel.rows.visualRect(panel.rows.model().index(row, 0)).center()


def swatch_at(panel: ClassesPanel, row: int) -> QPoint:
    return swatch_rect(panel.rows.visualRect(panel.rows.model().index(row, 0))).center()


def click(qtbot: QtBot, panel: ClassesPanel, at: QPoint) -> None:
    qtbot.mouseClick(panel.rows.viewport(), Qt.MouseButton.LeftButton, pos=at)


def double_click(qtbot: QtBot, panel: ClassesPanel, at: QPoint) -> None:
    click(qtbot, panel, at)
    qtbot.mouseDClick(panel.rows.viewport(), Qt.MouseButton.LeftButton, pos=at)


def open_adding(qtbot: QtBot, panel: ClassesPanel) -> QLineEdit:
    button = panel.findChild(QPushButton, "classes.add")
    assert isinstance(button, QPushButton)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    new_name = field(panel, "classes.new_name")
    assert new_name.isVisible()
    return new_name


def test_rows_say_key_and_count(panel: ClassesPanel) -> None:
    panel.set_counts({1: 1284})
    assert listed(panel) == [
        "person, 1,284 in the project (key 1)",
        "cup, 0 in the project (key 2)",
        "dog, 0 in the project (key 3)",
    ]


def test_a_click_chooses_and_enter_applies(
    qtbot: QtBot, panel: ClassesPanel, chosen: list[int], applied: list[int]
) -> None:
    click(qtbot, panel, name_at(panel, 1))
    qtbot.keyClick(panel.rows, Qt.Key.Key_Down)
    assert (chosen, applied) == ([2], [])
    qtbot.keyClick(panel.rows, Qt.Key.Key_Return)
    qtbot.keyClick(panel.rows, Qt.Key.Key_Enter)
    assert (chosen, applied) == ([2], [3, 3])


def test_the_tooltips_tell_click_and_enter_apart(panel: ClassesPanel) -> None:
    said = "Click: draw with it. Its key, or a right click: give it to the selected objects too."
    assert said in panel.rows.toolTip()
    assert said in panel.rows.model().index(0, 0).data(Qt.ItemDataRole.ToolTipRole)


def test_showing_the_current_class_does_not_choose_it(panel: ClassesPanel, chosen: list[int]) -> None:
    panel.set_current(3)
    assert panel.rows.currentIndex().data() == "dog"
    assert panel.rows.selectionModel().isSelected(panel.rows.currentIndex())
    panel.set_current(None)
    assert not panel.rows.selectionModel().hasSelection()
    assert chosen == []


def test_add(qtbot: QtBot, panel: ClassesPanel, categories: Categories, chosen: list[int], applied: list[int]) -> None:
    new_name = open_adding(qtbot, panel)
    qtbot.keyClicks(new_name, "bicycle")
    qtbot.keyClick(new_name, Qt.Key.Key_Return)
    assert [c.name for c in categories] == ["person", "cup", "dog", "bicycle"]
    assert listed(panel)[3] == "bicycle, 0 in the project (key 4)"
    assert (chosen, applied) == ([4], [])
    assert not new_name.isVisible()


def test_a_taken_name_is_refused_in_a_line(qtbot: QtBot, panel: ClassesPanel, categories: Categories) -> None:
    new_name = open_adding(qtbot, panel)
    qtbot.keyClicks(new_name, "Cup")
    qtbot.keyClick(new_name, Qt.Key.Key_Return)
    assert error(panel) == "There is a class named “cup” already."
    assert len(categories) == 3
    assert new_name.isVisible()
    qtbot.keyClicks(new_name, "board")
    qtbot.keyClick(new_name, Qt.Key.Key_Return)
    assert error(panel) == ""
    assert categories.find("cupboard") is not None


def test_escape_leaves_adding(qtbot: QtBot, panel: ClassesPanel, categories: Categories) -> None:
    new_name = open_adding(qtbot, panel)
    qtbot.keyClicks(new_name, "half a na")
    qtbot.keyClick(new_name, Qt.Key.Key_Escape)
    assert not new_name.isVisible()
    assert len(categories) == 3


@pytest.mark.parametrize("way", ["double click", "F2"])
def test_rename(qtbot: QtBot, panel: ClassesPanel, categories: Categories, applied: list[int], way: str) -> None:
    if way == "F2":
        panel.set_current(2)
        qtbot.keyClick(panel.rows, Qt.Key.Key_F2)
    else:
        double_click(qtbot, panel, name_at(panel, 1))
    editor = field(panel, "classes.rename")
    assert editor.text() == "cup"
    editor.selectAll()
    qtbot.keyClicks(editor, "mug")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: categories[2].name == "mug")
    assert error(panel) == ""
    assert applied == []  # the Enter was the field's, not the row's


def test_renaming_to_a_taken_name_is_refused(qtbot: QtBot, panel: ClassesPanel, categories: Categories) -> None:
    panel.set_current(2)
    qtbot.keyClick(panel.rows, Qt.Key.Key_F2)
    editor = field(panel, "classes.rename")
    editor.selectAll()
    qtbot.keyClicks(editor, "dog")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: error(panel) == "There is a class named “dog” already.")
    assert categories[2].name == "cup"
    click(qtbot, panel, name_at(panel, 0))
    assert error(panel) == ""


@pytest.fixture
def folded(panel: ClassesPanel, categories: Categories) -> ClassesPanel:
    """The class that is drawn with stands first: without that, it is one of the model's that are folded away."""
    categories.become(())
    ids = [categories.add(name).id for name in ("bear", "bird", "boat", "bus", "car", "cow", "dog", "hat")]
    panel.set_model_classes(category.name for category in categories)
    panel.set_counts({ids[6]: 1, ids[7]: 1})
    panel.set_current(ids[0])
    panel.chosen.connect(panel.set_current)
    assert _names(panel) == ["bear", "dog", "hat"]
    return panel


def test_a_double_click_renames_what_the_first_click_was_on(qtbot: QtBot, folded: ClassesPanel) -> None:
    double_click(qtbot, folded, name_at(folded, 1))
    assert _names(folded) == ["dog", "hat"]
    assert field(folded, "classes.rename").text() == "dog"


def test_a_menu_is_about_its_class_wherever_that_stands_by_now(
    qtbot: QtBot, folded: ClassesPanel, categories: Categories, applied: list[int]
) -> None:
    heard: list[int] = []
    for signal in (folded.skeleton_requested, folded.merge_requested, folded.delete_requested):
        signal.connect(heard.append)
    dog = categories.find("dog")
    assert dog is not None
    folded.rows.customContextMenuRequested.emit(name_at(folded, 1))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    folded.set_current(None)
    assert _names(folded) == ["dog", "hat"]
    actions = {action.text().split("\t")[0]: action for action in menu.actions()}
    actions["Give it to the selected objects"].trigger()
    for text in ("Skeleton…", "Merge into another class…", "Delete class…"):
        actions[text].trigger()
    assert (applied, heard) == ([dog.id], [dog.id] * 3)
    actions["Rename"].trigger()
    assert field(folded, "classes.rename").text() == "dog"
    actions["Move down"].trigger()
    assert _names(folded) == ["hat", "dog"]
    categories.remove(dog.id)
    for action in actions.values():
        action.trigger()
    assert (applied, heard) == ([dog.id], [dog.id] * 3)
    menu.close()


def test_a_class_that_is_dragged_is_moved_though_the_list_is_scrolled_meanwhile(
    qtbot: QtBot, panel: ClassesPanel, categories: Categories
) -> None:
    for k in range(30):
        categories.add(f"thing {k}")
    rows, bar = panel.rows, panel.rows.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    at, height = name_at(panel, 1), rows.verticalHeader().defaultSectionSize()
    qtbot.mousePress(rows.viewport(), Qt.MouseButton.LeftButton, pos=at)
    qtbot.mouseMove(rows.viewport(), at + QPoint(0, 2 * height))
    bar.setValue(3 * height)
    qtbot.mouseRelease(rows.viewport(), Qt.MouseButton.LeftButton, pos=at + QPoint(0, 2 * height + 4))
    assert _names(panel)[:7] == ["person", "dog", *(f"thing {k}" for k in range(4)), "cup"]


def test_a_name_that_is_being_typed_stays_when_a_count_changes(
    qtbot: QtBot, panel: ClassesPanel, categories: Categories
) -> None:
    panel.set_current(2)
    qtbot.keyClick(panel.rows, Qt.Key.Key_F2)
    editor = field(panel, "classes.rename")
    editor.selectAll()
    qtbot.keyClicks(editor, "elephant")
    panel.set_counts({2: 1})
    qtbot.keyClicks(editor, "s")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: categories[2].name == "elephants")


def test_escape_leaves_renaming(qtbot: QtBot, panel: ClassesPanel, categories: Categories) -> None:
    panel.set_current(2)
    qtbot.keyClick(panel.rows, Qt.Key.Key_F2)
    editor = field(panel, "classes.rename")
    qtbot.keyClicks(editor, "xyz")
    qtbot.keyClick(editor, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: panel.findChild(QLineEdit, "classes.rename") is None)
    assert categories[2].name == "cup"


def popup_of(panel: ClassesPanel) -> ColorPopup:
    found = panel.findChild(ColorPopup)
    assert isinstance(found, ColorPopup)
    return found


def test_recolour_from_the_palette(
    qtbot: QtBot, panel: ClassesPanel, categories: Categories, chosen: list[int], applied: list[int]
) -> None:
    click(qtbot, panel, swatch_at(panel, 1))
    button = popup_of(panel).findChild(QAbstractButton, "classes.color.pink")
    assert isinstance(button, QAbstractButton)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert categories[2].color == PALETTE[6]
    assert (chosen, applied) == ([], [])
    qtbot.waitUntil(lambda: panel.findChild(ColorPopup) is None)


def test_recolour_with_any_colour(qtbot: QtBot, panel: ClassesPanel, categories: Categories) -> None:
    click(qtbot, panel, swatch_at(panel, 0))
    other = popup_of(panel).findChild(QPushButton, "classes.other_color")
    assert isinstance(other, QPushButton)
    qtbot.mouseClick(other, Qt.MouseButton.LeftButton)
    dialog = panel.findChild(QColorDialog)
    assert isinstance(dialog, QColorDialog)
    assert dialog.currentColor().name() == PALETTE[0]
    dialog.setCurrentColor(Qt.GlobalColor.darkCyan)
    dialog.accept()
    assert categories[1].color == "#008080"
    qtbot.waitUntil(lambda: panel.findChild(ColorPopup) is None and panel.findChild(QColorDialog) is None)


def test_the_swatch_is_painted_in_the_class_colour(panel: ClassesPanel, categories: Categories) -> None:
    categories.recolor(2, "#123456")
    QApplication.processEvents()
    image = panel.rows.viewport().grab().toImage()
    assert image.pixelColor(swatch_at(panel, 1)).name() == "#123456"


def test_many_classes_can_be_searched(
    qtbot: QtBot, panel: ClassesPanel, categories: Categories, applied: list[int]
) -> None:
    search = field(panel, "classes.search")
    assert not search.isVisible()
    for k in range(SEARCH_FROM - 4):
        categories.add(f"thing {k}")
    assert not search.isVisible()
    categories.add("last")
    assert search.isVisible()
    panel.set_current(1)
    qtbot.keyClicks(search, "thing 1")
    assert [text.split(",")[0] for text in listed(panel)] == ["thing 1", *(f"thing {k}" for k in range(10, 16))]
    assert "(key 5)" in listed(panel)[0]  # keys are those of the whole list
    qtbot.keyClick(search, Qt.Key.Key_Return)
    qtbot.keyClick(panel.rows, Qt.Key.Key_Return)
    assert applied == [5]
    qtbot.keyClicks(search, "zzz")
    assert panel.rows.empty_text == "No class has this name."
    qtbot.keyClick(search, Qt.Key.Key_Escape)
    assert len(listed(panel)) == SEARCH_FROM
    assert panel.rows.currentIndex().data() == "person"


def test_a_removed_class_goes(panel: ClassesPanel, categories: Categories) -> None:
    panel.set_current(3)
    categories.remove(1)
    assert listed(panel) == ["cup, 0 in the project (key 1)", "dog, 0 in the project (key 2)"]
    assert panel.rows.currentIndex().data() == "dog"


def test_no_classes(qtbot: QtBot) -> None:
    panel = ClassesPanel(Categories())
    qtbot.addWidget(panel)
    assert panel.rows.empty_text == "No classes yet: add one."


def _names(panel: ClassesPanel) -> list[str]:
    model = panel.rows.model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def test_unused_classes_of_the_model_are_folded_away_and_own_ones_come_first(
    qtbot: QtBot, panel: ClassesPanel, categories: Categories
) -> None:
    categories.become(())
    of_model = [categories.add(f"thing {n}").id for n in range(8)]
    button = panel.findChild(QPushButton, "classes.unused")
    assert isinstance(button, QPushButton)
    assert not button.isVisible()
    panel.set_model_classes([f"Thing {n}" for n in range(8)])
    assert len(_names(panel)) == 8, "there is nothing else to choose"
    typed = open_adding(qtbot, panel)
    qtbot.keyClicks(typed, "helmet")
    qtbot.keyClick(typed, Qt.Key.Key_Return)
    assert next(iter(categories)).name == "helmet"
    assert _names(panel) == ["helmet"]
    assert button.text().strip() == "From the model (8)"
    panel.set_counts({of_model[3]: 1})
    assert _names(panel) == ["helmet", "thing 3"]
    panel.set_current(of_model[5])
    assert _names(panel) == ["helmet", "thing 3", "thing 5"], "what is drawn with is not hidden"
    assert panel.rows.currentIndex().row() == 2
    folded = button.icon().cacheKey()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert len(_names(panel)) == 9
    assert _names(panel)[:2] == ["helmet", "thing 3"]
    assert button.icon().cacheKey() != folded, "it points down"
    keys = {categories[category].name: number for number, category in panel.numbers().items()}
    assert [keys.get(name) for name in _names(panel)] == list(range(1, 10)), "in the order that is seen"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    panel.set_current(None)
    assert _names(panel) == ["helmet", "thing 3"]


def test_a_key_is_given_from_the_menu(qtbot: QtBot, panel: ClassesPanel, categories: Categories) -> None:
    panel.rows.customContextMenuRequested.emit(name_at(panel, 2))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    keys = menu.findChild(QMenu, "classes.key")
    assert isinstance(keys, QMenu)
    assert [action.text() for action in keys.actions()][:3] == ["By its place", "1   person", "2   cup"]
    keys.actions()[1].trigger()
    menu.close()
    assert categories.numbers() == {1: 3, 2: 2}
    assert listed(panel)[0] == "person, 0 in the project"
    assert listed(panel)[2] == "dog, 0 in the project (key 1)"
