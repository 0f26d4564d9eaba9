from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QMouseEvent, QNativeGestureEvent, QPointingDevice, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from annotator.canvas.navigation import MAX_SCALE, ZoomPanView
from tests.annotator.canvas.conftest import ALT, CTRL, NO, SHIFT, Bench, square

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


@pytest.fixture
def view(qtbot: QtBot) -> ZoomPanView:
    made = ZoomPanView()
    qtbot.addWidget(made)
    made.resize(824, 624)
    made.show()
    qtbot.waitExposed(made)
    made.set_photo_size((400, 300))
    return made


def wheel(
    view: ZoomPanView, at: QPointF, angle: QPoint, keys: Qt.KeyboardModifier = NO, pixels: QPoint | None = None
) -> None:
    event = QWheelEvent(
        at,
        QPointF(view.viewport().mapToGlobal(at)),
        pixels or QPoint(),
        angle,
        Qt.MouseButton.NoButton,
        keys,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view.viewport(), event)


def centre(view: ZoomPanView) -> tuple[float, float]:
    at = view.camera().to_photo(QRectF(view.viewport().rect()).center())
    return at.x(), at.y()


def test_a_photo_fits_and_keeps_fitting(view: ZoomPanView) -> None:
    assert view.scale_factor == pytest.approx(2.0)
    assert centre(view) == pytest.approx((200, 150), abs=0.5)
    view.resize(424, 624)
    assert view.scale_factor == pytest.approx(1.0)
    view.set_photo_size((800, 100))
    assert view.scale_factor == pytest.approx(0.5)
    assert centre(view) == pytest.approx((400, 50), abs=1.5)


def test_after_zooming_it_stays_as_it_is(view: ZoomPanView) -> None:
    view.zoom_to(5.0)
    at = centre(view)
    view.resize(600, 500)
    assert view.scale_factor == pytest.approx(5.0)
    assert centre(view) == pytest.approx(at, abs=0.5)
    view.set_photo_size((400, 300))
    assert view.scale_factor == pytest.approx(5.0)
    view.set_photo_size((800, 600))
    assert view.scale_factor == pytest.approx(5.0)
    assert centre(view) == pytest.approx((2 * at[0], 2 * at[1]), abs=1.0)


@pytest.mark.parametrize("at", [QPointF(100, 80), QPointF(700, 500), QPointF(412, 312)])
@pytest.mark.parametrize("notch", [120, -120, 30])
def test_ctrl_wheel_zooms_to_the_cursor(view: ZoomPanView, at: QPointF, notch: int) -> None:
    before = view.camera().to_photo(at)
    steps = 6 if notch > 0 else 2  # a photo that is small in the view does not leave it for the cursor
    for _ in range(steps):
        wheel(view, at, QPoint(0, notch), CTRL)
    after = view.camera().to_photo(at)
    assert view.scale_factor == pytest.approx(2.0 * 1.25 ** (steps * notch / 120))
    slack = steps * 0.51 / min(2.0, view.scale_factor)  # whole pixels of scrolling, each time
    assert (after.x(), after.y()) == pytest.approx((before.x(), before.y()), abs=slack)


def test_pinching_on_a_trackpad_is_a_ctrl_wheel_with_pixels(view: ZoomPanView) -> None:
    wheel(view, QPointF(400, 300), QPoint(0, 5), CTRL, pixels=QPoint(0, 10))
    assert 2.0 < view.scale_factor < 2.5


def test_wheel_scrolls_and_with_shift_sideways(view: ZoomPanView) -> None:
    view.zoom_to(8.0)
    x, y = centre(view)
    wheel(view, QPointF(400, 300), QPoint(0, -120))
    assert centre(view) == pytest.approx((x, y + 8), abs=0.2)
    wheel(view, QPointF(400, 300), QPoint(0, -120), SHIFT)
    assert centre(view) == pytest.approx((x + 8, y + 8), abs=0.2)
    wheel(view, QPointF(400, 300), QPoint(-120, 0), ALT)
    assert centre(view) == pytest.approx((x + 16, y + 8), abs=0.2)


def test_a_trackpad_scrolls_by_its_pixels(view: ZoomPanView) -> None:
    view.zoom_to(8.0)
    x, y = centre(view)
    wheel(view, QPointF(400, 300), QPoint(-8, -8), pixels=QPoint(-16, -24))
    assert centre(view) == pytest.approx((x + 2, y + 3), abs=0.2)


def test_zoom_has_limits(view: ZoomPanView) -> None:
    view.zoom_to(1e9)
    assert view.scale_factor == MAX_SCALE
    view.zoom_to(1e-9)
    assert view.scale_factor == pytest.approx(2.0 / 8)


def test_the_photos_edge_can_be_scrolled_to_the_middle_and_no_farther(view: ZoomPanView) -> None:
    view.zoom_to(4.0)
    view.horizontalScrollBar().setValue(-(10**6))
    view.verticalScrollBar().setValue(10**6)
    assert centre(view) == pytest.approx((0, 300), abs=1)


def test_steps_actual_size_and_what_is_told(view: ZoomPanView) -> None:
    told: list[float] = []
    view.zoom_changed.connect(told.append)
    view.zoom_in()
    view.zoom_out()
    view.actual_size()
    view.actual_size()
    view.fit()
    assert told == pytest.approx([2.5, 2.0, 1.0, 2.0])


def test_a_part_of_the_photo_is_shown_with_room_around(view: ZoomPanView) -> None:
    view.zoom_to_box((100, 100, 150, 120))
    assert centre(view) == pytest.approx((125, 110), abs=0.5)
    shown = view.camera().box_to_photo(QRectF(view.viewport().rect()))
    assert shown[0] < 100 < 150 < shown[2]


def test_without_a_photo_nothing_happens(qtbot: QtBot) -> None:
    empty = ZoomPanView()
    qtbot.addWidget(empty)
    empty.zoom_in()
    empty.fit()
    assert empty.scale_factor == 1.0


@pytest.mark.parametrize(("kind", "value", "scale"), [("Zoom", 0.25, 2.5), ("Zoom", -0.5, 1.0), ("SmartZoom", 0, 4.0)])
def test_native_gestures(view: ZoomPanView, kind: str, value: float, scale: float) -> None:
    at = QPointF(300, 200)
    event = QNativeGestureEvent(
        getattr(Qt.NativeGestureType, f"{kind}NativeGesture"),
        QPointingDevice.primaryPointingDevice(),
        2,
        at,
        at,
        QPointF(view.viewport().mapToGlobal(at)),
        value,
        QPointF(),
        1,
    )
    QApplication.sendEvent(view.viewport(), event)
    assert view.scale_factor == pytest.approx(scale)


def drag(view: ZoomPanView, button: Qt.MouseButton, start: QPoint, end: QPoint) -> None:
    QTest.mousePress(view.viewport(), button, pos=start)
    move = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(end),
        QPointF(view.viewport().mapToGlobal(end)),
        Qt.MouseButton.NoButton,
        button,
        NO,
    )
    QApplication.sendEvent(view.viewport(), move)
    QTest.mouseRelease(view.viewport(), button, pos=end)


class TestPanning:
    def test_middle_drag(self, bench: Bench) -> None:
        view = bench.view
        view.zoom_to(4.0)
        x, y = centre(view)
        drag(view, Qt.MouseButton.MiddleButton, QPoint(400, 300), QPoint(440, 320))
        assert centre(view) == pytest.approx((x - 10, y - 5), abs=0.2)
        assert bench.document.selection == ()

    def test_space_and_drag_touches_no_object(self, bench: Bench) -> None:
        view = bench.view
        x, _ = centre(view)
        QTest.keyPress(view, Qt.Key.Key_Space)
        assert view.viewport().cursor().shape() == Qt.CursorShape.OpenHandCursor
        start = bench.at(320, 40)
        drag(view, Qt.MouseButton.LeftButton, start, start + QPoint(-50, 0))
        QTest.keyRelease(view, Qt.Key.Key_Space)
        assert centre(view)[0] == pytest.approx(x + 25, abs=0.5)
        assert bench.made == []
        assert bench.document.selection == ()
        bench.drag((320, 40), (330, 40))
        assert len(bench.made) == 1

    def test_space_let_go_elsewhere_is_let_go(self, bench: Bench) -> None:
        QTest.keyPress(bench.view, Qt.Key.Key_Space)
        bench.view.clearFocus()
        bench.click(320, 40)
        assert bench.document.selection == (2,)

    def test_what_is_panned_looks_as_if_painted_anew(self, qtbot: QtBot) -> None:
        bench = Bench(qtbot, [square(i, 20 * i, 15 * i, 60) for i in range(1, 12)])
        bench.document.select((5,))
        bench.view.zoom_to(3.0)
        bench.view.grab()
        for end in (QPoint(433, 311), QPoint(390, 250), QPoint(300, 380)):
            drag(bench.view, Qt.MouseButton.MiddleButton, QPoint(400, 300), end)
        panned = bench.view.grab().toImage()
        bench.view.set_colors(bench.view.colors)
        assert bench.view.grab().toImage() == panned
