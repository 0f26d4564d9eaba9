"""The icons: drawn from outlines, in the theme's colours, at any density."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QIcon, QImage

from annotator import icons, theme

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PySide6.QtWidgets import QApplication


@pytest.fixture(autouse=True)
def _light(qapp: QApplication) -> Iterator[None]:
    theme.apply(qapp, "light")
    yield
    theme.apply(qapp, "light")


def _ink(image: QImage) -> set[str]:
    """The colours of the fully covered pixels."""
    pixels = (image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height()))
    return {pixel.name() for pixel in pixels if pixel.alpha() == 255}


def _near(color: str, other: str) -> bool:
    a, b = QColor(color), QColor(other)
    return max(abs(a.red() - b.red()), abs(a.green() - b.green()), abs(a.blue() - b.blue())) <= 2


@pytest.mark.parametrize("name", sorted(icons.names()))
def test_every_icon_has_ink_inside_its_square(name: str) -> None:
    image = icons.pixmap(name, 24, "#ff0000", 4).toImage()
    assert image.size() == QSize(96, 96)
    rows = [y for y in range(96) if any(image.pixelColor(x, y).alpha() > 128 for x in range(96))]
    assert rows
    rim = [image.pixelColor(*at).alpha() for k in range(96) for at in ((k, 0), (k, 95), (0, k), (95, k))]
    assert max(rim) < 128  # nothing is cut off


def test_an_icon_follows_the_theme(qapp: QApplication) -> None:
    save = icons.icon("save")
    for scheme, colors in (("light", theme.LIGHT), ("dark", theme.DARK)):
        theme.apply(qapp, scheme)
        ink = _ink(save.pixmap(QSize(48, 48)).toImage())
        assert ink
        assert all(_near(color, colors.icon) for color in ink)


def test_states_have_their_colours() -> None:
    icon = icons.icon("status-done", "success")
    size = QSize(48, 48)
    on = icon.pixmap(size, QIcon.Mode.Normal, QIcon.State.On)
    assert all(_near(c, theme.LIGHT.success) for c in _ink(icon.pixmap(size).toImage()))
    assert all(_near(c, theme.LIGHT.disabled) for c in _ink(icon.pixmap(size, QIcon.Mode.Disabled).toImage()))
    assert all(_near(c, theme.LIGHT.accent) for c in _ink(on.toImage()))


def test_a_dense_screen_gets_more_pixels() -> None:
    pixmap = icons.icon("box").pixmap(QSize(16, 16), 2.0)
    assert pixmap.size() == QSize(32, 32)
    assert pixmap.devicePixelRatio() == 2


def test_a_changed_copy_leaves_the_icon_alone() -> None:
    icon = icons.icon("plus")
    copy = QIcon(icon)
    copy.addFile("nowhere.png")  # detaches: Qt clones the engine
    assert copy.cacheKey() != icon.cacheKey()
    assert _ink(icon.pixmap(QSize(24, 24)).toImage())


@pytest.mark.parametrize(("name", "tone"), [("no-such", "icon"), ("save", "no-such")])
def test_what_there_is_not_is_refused(name: str, tone: str) -> None:
    with pytest.raises(ValueError, match="There is no"):
        icons.icon(name, tone)


def test_the_product_icon_keeps_its_own_colours() -> None:
    assert len(_ink(icons.product_icon().pixmap(QSize(64, 64)).toImage())) > 5
