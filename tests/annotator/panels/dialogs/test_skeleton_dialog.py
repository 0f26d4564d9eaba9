"""The editor of a skeleton, with mouse and keyboard."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QLabel, QLineEdit, QListWidget, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from annotator.canvas.painting import keypoint_color
from annotator.core.skeleton import Skeleton
from annotator.core.skeleton_templates import TEMPLATES
from annotator.panels.dialogs.skeleton_dialog import SkeletonDialog
from annotator.panels.dialogs.skeleton_preview import SkeletonPreview
from dataset.coco.categories import Category
from tests.qt import find

Key, LEFT = Qt.Key, Qt.MouseButton.LeftButton
ALT, CTRL = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ControlModifier
PET = Category(1, "pet", keypoint_names=("nose", "left_ear", "right_ear"), skeleton=((0, 1),), color="#4cc9f0")


@pytest.fixture
def dialog(qtbot: QtBot) -> SkeletonDialog:
    return _opened(qtbot, PET)


def _opened(qtbot: QtBot, category: Category) -> SkeletonDialog:
    made = SkeletonDialog(category, keypoint_color)
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, on=False)
    qtbot.addWidget(made)
    with qtbot.waitActive(made):
        made.show()
        made.activateWindow()
    made.set_use(12, {0: 12, 1: 7})
    return made


def _names(dialog: SkeletonDialog) -> QListWidget:
    return find(dialog, QListWidget, "skeleton.names")


def _listed(dialog: SkeletonDialog) -> list[str]:
    return [_names(dialog).item(i).text() for i in range(_names(dialog).count())]


def _click(dialog: SkeletonDialog, *keypoints: int) -> None:
    preview = find(dialog, SkeletonPreview, "skeleton.preview")
    for index in keypoints:
        QTest.mouseClick(preview, LEFT, pos=preview.place(index).toPoint())


def _choose(dialog: SkeletonDialog, row: int) -> None:
    _names(dialog).setFocus()
    _names(dialog).setCurrentRow(row)


def _ok(dialog: SkeletonDialog) -> QPushButton:
    (box,) = dialog.findChildren(QDialogButtonBox)
    return box.button(QDialogButtonBox.StandardButton.Ok)


def _about(dialog: SkeletonDialog) -> str:
    return find(dialog, QLabel, "skeleton.about").text()


def test_names_are_typed_one_after_another(dialog: SkeletonDialog) -> None:
    field = find(dialog, QLineEdit, "skeleton.new_name")
    field.setFocus()
    for name in ("tail", "paw"):
        QTest.keyClicks(field, name)
        QTest.keyClick(field, Key.Key_Return)
    assert dialog.skeleton.names == ("nose", "left_ear", "right_ear", "tail", "paw")
    assert dialog.skeleton.origins == (0, 1, 2, None, None)
    assert _listed(dialog) == list(dialog.skeleton.names)
    assert dialog.isVisible(), "Enter adds, and does not close"
    assert "What is new is unlabelled there." in _about(dialog)


def test_a_name_that_is_taken_is_refused_and_said(dialog: SkeletonDialog) -> None:
    field = find(dialog, QLineEdit, "skeleton.new_name")
    QTest.keyClicks(field, "Nose")
    QTest.keyClick(field, Key.Key_Return)
    assert dialog.skeleton == dialog.before
    assert find(dialog, QLabel, "skeleton.error").text() == "There is a keypoint named “Nose” already."
    assert field.text() == "Nose", "it is still there to be corrected"


def test_f2_renames_in_the_list(qtbot: QtBot, dialog: SkeletonDialog) -> None:
    _choose(dialog, 1)
    QTest.keyClick(_names(dialog), Key.Key_F2)
    editor = QApplication.focusWidget()
    assert isinstance(editor, QLineEdit)
    editor.selectAll()
    QTest.keyClicks(editor, "left_whisker")
    QTest.keyClick(editor, Key.Key_Return)
    qtbot.waitUntil(lambda: dialog.skeleton.names == ("nose", "left_whisker", "right_ear"))
    assert dialog.isVisible()
    assert dialog.skeleton.origins == (0, 1, 2)
    assert _listed(dialog)[1] == "left_whisker"
    assert _about(dialog).startswith("12 objects have these keypoints. 0 pairs")


def test_a_name_that_cannot_be_is_put_back_in_the_list(dialog: SkeletonDialog) -> None:
    _names(dialog).item(1).setText("nose")
    assert dialog.skeleton == dialog.before
    assert _listed(dialog) == list(PET.keypoint_names)
    assert "already" in find(dialog, QLabel, "skeleton.error").text()


@pytest.mark.parametrize("by_key", [True, False])
def test_a_keypoint_is_moved_and_stays_chosen(dialog: SkeletonDialog, *, by_key: bool) -> None:
    _choose(dialog, 0)
    for _ in range(2):
        if by_key:
            QTest.keyClick(_names(dialog), Key.Key_Down, ALT)
        else:
            QTest.mouseClick(find(dialog, QToolButton, "skeleton.down"), LEFT)
    assert dialog.skeleton.names == ("left_ear", "right_ear", "nose")
    assert dialog.skeleton.edges == ((2, 0),)
    assert _names(dialog).currentRow() == 2
    assert not find(dialog, QToolButton, "skeleton.down").isEnabled()
    assert "Points go with their names." in _about(dialog)


def test_del_removes_and_the_loss_is_said(dialog: SkeletonDialog) -> None:
    _choose(dialog, 1)
    QTest.keyClick(_names(dialog), Key.Key_Delete)
    assert dialog.skeleton.names == ("nose", "right_ear")
    assert dialog.skeleton.edges == ()
    assert _names(dialog).currentRow() == 1
    assert "Dropped there, with how often it is placed: left ear (7)." in _about(dialog)


def test_two_clicks_put_an_edge_and_two_take_it(dialog: SkeletonDialog) -> None:
    _click(dialog, 1, 2)
    assert dialog.skeleton.edges == ((0, 1), (1, 2))
    _click(dialog, 1, 0)
    assert dialog.skeleton.edges == ((1, 2),)
    _click(dialog, 1, 1)
    assert dialog.skeleton.edges == ((1, 2),)


def test_e_on_two_names_puts_an_edge_without_the_mouse(dialog: SkeletonDialog) -> None:
    _choose(dialog, 0)
    QTest.keyClick(_names(dialog), Key.Key_E)
    QTest.keyClick(_names(dialog), Key.Key_Down)
    QTest.keyClick(_names(dialog), Key.Key_Down)
    QTest.keyClick(_names(dialog), Key.Key_E)
    assert dialog.skeleton.edges == ((0, 1), (0, 2))


def test_a_click_beside_begins_anew(dialog: SkeletonDialog) -> None:
    preview = find(dialog, SkeletonPreview, "skeleton.preview")
    _click(dialog, 1)
    assert _names(dialog).currentRow() == 1
    QTest.mouseClick(preview, LEFT, pos=QPoint(3, 3))
    assert _names(dialog).currentRow() == -1
    _click(dialog, 2)
    assert dialog.skeleton == dialog.before


def test_what_is_chosen_in_the_list_is_no_end_of_an_edge(dialog: SkeletonDialog) -> None:
    _choose(dialog, 2)
    _click(dialog, 0)
    assert dialog.skeleton == dialog.before


def test_a_template_takes_its_place_and_undo_brings_it_back(dialog: SkeletonDialog) -> None:
    menu = find(dialog, QPushButton, "skeleton.template").menu()
    menu.actions()[0].trigger()
    assert dialog.skeleton.names == TEMPLATES[0].names
    assert dialog.skeleton.origins[0] == 0
    assert "8 pairs of left and right" in _about(dialog)
    _names(dialog).setFocus()
    QTest.keyClick(_names(dialog), Key.Key_Z, CTRL)
    assert dialog.skeleton == dialog.before
    assert _listed(dialog) == list(PET.keypoint_names)
    QTest.keyClick(_names(dialog), Key.Key_Z, CTRL)
    QTest.keyClick(_names(dialog), Key.Key_Z, CTRL | Qt.KeyboardModifier.ShiftModifier)
    assert dialog.skeleton.names == TEMPLATES[0].names


def test_it_is_applied_once_it_is_another_one_and_counted(qtbot: QtBot) -> None:
    dialog = SkeletonDialog(PET, keypoint_color)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, on=False)
    qtbot.addWidget(dialog)
    assert _about(dialog).startswith("Counting")
    dialog._change(lambda s: s.removed(0))
    assert not _ok(dialog).isEnabled()
    dialog.set_use(0, {})
    assert _ok(dialog).isEnabled()
    assert _about(dialog).startswith("No object of the project has these keypoints yet.")
    dialog._go(-1)
    assert not _ok(dialog).isEnabled()


def test_a_class_without_keypoints_begins_with_a_name(qtbot: QtBot) -> None:
    dialog = _opened(qtbot, Category(2, "cup", color="#4cc9f0"))
    assert dialog.skeleton == Skeleton()
    assert QApplication.focusWidget() is find(dialog, QLineEdit, "skeleton.new_name")
    _click(dialog)
    dialog.grab()


def test_each_keypoint_says_which_is_its_other_side(dialog: SkeletonDialog) -> None:
    assert _names(dialog).item(1).toolTip() == "Its other side is right ear."
    assert _names(dialog).item(0).toolTip() == ""


def test_the_picture_shows_points_and_edges_in_their_colours(dialog: SkeletonDialog) -> None:
    preview = find(dialog, SkeletonPreview, "skeleton.preview")
    image = preview.grab().toImage()
    place = preview.place(1).toPoint()
    assert image.pixelColor(place + QPoint(-6, 0)).name() == keypoint_color(PET, 1)
    between = (preview.place(1) * 0.7 + preview.place(2) * 0.3).toPoint()
    dialog._change(lambda s: s.toggled(1, 2))
    line = preview.grab().toImage().pixelColor(between)
    assert abs(line.hue() - QColor(PET.color).hue()) < 10
    assert line.saturation() > image.pixelColor(between).saturation() + 40
