"""A label of a few lines at most: whole where it fits, cut and whole in the tooltip where it does not."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QTextDocument
from pytestqt.qtbot import QtBot

from annotator.panels.clamped_label import ClampedLabel

LONG = (
    "The file “people <b>&_town.pth” cannot be read as weights: " + "it has too many parts, " * 20 + "choose another."
)


@pytest.fixture
def clamped(qtbot: QtBot) -> ClampedLabel:
    made = ClampedLabel(lines=3)
    qtbot.addWidget(made)
    made.resize(200, 60)
    made.show()
    qtbot.waitExposed(made)
    return made


def test_what_fits_is_whole_and_has_no_tooltip(clamped: ClampedLabel) -> None:
    clamped.set_full_text("Too short a file: choose another one.")
    lines = clamped.text().split("\n")
    assert len(lines) == 2
    assert " ".join(lines) == clamped.full_text == clamped.accessibleName()
    assert clamped.toolTip() == ""
    assert clamped.heightForWidth(200) == 2 * clamped.fontMetrics().lineSpacing()
    assert clamped.heightForWidth(2000) == clamped.fontMetrics().lineSpacing()


def test_what_does_not_fit_is_cut_and_whole_in_the_tooltip(clamped: ClampedLabel) -> None:
    clamped.set_full_text(LONG)
    lines = clamped.text().split("\n")
    assert len(lines) == 3
    assert lines[-1].endswith("…")
    assert all(clamped.fontMetrics().horizontalAdvance(line) <= 200 for line in lines)
    assert LONG.startswith(" ".join(lines)[:-1])
    assert clamped.heightForWidth(200) == 3 * clamped.fontMetrics().lineSpacing()
    tip = QTextDocument()
    tip.setHtml(clamped.toolTip())
    assert tip.toPlainText() == LONG == clamped.full_text == clamped.accessibleName()


def test_a_word_wider_than_the_label_is_broken(clamped: ClampedLabel) -> None:
    clamped.set_full_text("x" * 60)
    lines = clamped.text().split("\n")
    assert len(lines) > 1
    assert "".join(lines) == "x" * 60
    assert clamped.toolTip() == ""


def test_it_is_cut_anew_for_another_width(qtbot: QtBot, clamped: ClampedLabel) -> None:
    clamped.set_full_text(LONG)
    clamped.resize(4000, 60)
    qtbot.waitUntil(lambda: clamped.text() == LONG)
    assert clamped.toolTip() == ""
    clamped.resize(100, 60)
    qtbot.waitUntil(lambda: clamped.text().endswith("…"))
    clamped.set_full_text("")
    assert (clamped.text(), clamped.toolTip()) == ("", "")
