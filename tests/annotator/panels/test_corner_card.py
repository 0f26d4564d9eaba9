from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QStackedWidget
from pytestqt.qtbot import QtBot

from annotator.panels.banner import Banner
from annotator.panels.corner_card import MARGIN, CornerCard


def test_a_card_keeps_to_its_corner_and_gives_way_to_a_message(qtbot: QtBot) -> None:
    pages = QStackedWidget()
    qtbot.addWidget(pages)
    pages.resize(600, 400)
    banner = Banner(pages)
    cards = [CornerCard(pages, banner), CornerCard(pages, banner, right=True)]
    for card in cards:
        QHBoxLayout(card).addWidget(QPushButton("Apply"))
        card.hide()
    pages.show()
    banner.show_message("A long message. " * 12, "info")
    for card in cards:
        card.show()
        assert not card.geometry().intersects(banner.geometry())
    banner.close_message()
    assert [card.y() for card in cards] == [MARGIN, MARGIN]
    pages.resize(500, 400)
    assert cards[0].x() == MARGIN
    assert cards[1].geometry().right() + 1 == 500 - MARGIN
    banner.show_message("Another one. " * 12, "info")
    assert all(card.y() > banner.geometry().bottom() for card in cards)
