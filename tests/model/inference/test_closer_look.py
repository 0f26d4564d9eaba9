from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from dataset.geometry import from_parts
from model.inference import closer_look
from model.inference.closer_look import LARGE, CloserLook, LookGivenUpError, tiles
from model.inference.instance import Instance
from tests.test_segmenter import MiddleSegmenter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

INPUT = 100
LEAST = 4  # pixels of the input


@pytest.fixture(autouse=True, scope="module")
def _of_any_size() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(closer_look, "LEAST_SIDE", 0)
        yield


class RectangleSegmenter(MiddleSegmenter):
    """Finds bright rectangles that are LEAST pixels wide and high once the longer side is INPUT, or is less."""

    long_side = INPUT

    def __init__(self) -> None:
        super().__init__()
        self.photo = np.zeros((1, 1, 3), np.uint8)
        self.looks: list[tuple[int, int]] = []

    def set_image(self, image: np.ndarray) -> None:
        super().set_image(image)
        self.photo = image
        self.looks.append((image.shape[1], image.shape[0]))

    def detect(self, score: float = 0.05, max_detections: int | None = None) -> list[Instance]:
        least = LEAST * max(1.0, max(self.image_size) / INPUT)
        _, _, stats, _ = cv2.connectedComponentsWithStats((self.photo[..., 0] > 100).astype(np.uint8))
        boxes = np.array([(x, y, x + w, y + h) for x, y, w, h, _ in stats[1:] if min(w, h) >= least])
        return self.masks_for_boxes(boxes.reshape(-1, 4))[:max_detections]


def photo(*boxes: tuple[int, int, int, int], size: tuple[int, int] = (800, 600)) -> np.ndarray:
    """Return a black photo with white boxes."""
    made = np.zeros((size[1], size[0], 3), np.uint8)
    for x0, y0, x1, y1 in boxes:
        made[y0:y1, x0:x1] = 255
    return made


def found(image: np.ndarray) -> list[tuple[int, ...]]:
    look = CloserLook(RectangleSegmenter())
    look.set_image(image)
    return sorted(tuple(i.box.astype(int).tolist()) for i in look.detect())


SMALL, BIG, LONG = (330, 50, 345, 70), (100, 150, 700, 500), (10, 560, 790, 575)


def test_small_objects_are_found_and_each_once() -> None:
    model = RectangleSegmenter()
    image = photo(SMALL, BIG)
    model.set_image(image)
    assert [i.box.tolist() for i in model.detect()] == [list(BIG)]
    assert found(image) == sorted((SMALL, BIG))


def test_what_every_tile_cuts_is_joined() -> None:
    assert found(photo(LONG)) == [LONG]


def test_a_joined_outline_is_one_ring() -> None:
    look = CloserLook(RectangleSegmenter())
    look.set_image(photo(LONG))
    (instance,) = look.detect()
    assert len(instance.polygons) == len(instance.polygons[0]) == 1
    assert from_parts(instance.polygons).symmetric_difference(shapely.box(*LONG)).area == 0


@given(x=st.integers(0, 780), y=st.integers(0, 580))
def test_an_object_is_found_once_wherever_it_is(x: int, y: int) -> None:
    box = (x, y, min(800, x + 20), min(600, y + 20))
    if min(box[2] - x, box[3] - y) >= 16:
        assert found(photo(box)) == [box]


def test_neighbours_stay_apart() -> None:
    row = [(x, 100, x + 16, 118) for x in range(20, 760, 20)]
    assert found(photo(*row)) == row


@pytest.mark.parametrize("size", [(800, 200), (200, 800), (800, 800)])
def test_what_a_tile_cuts_is_told_at_the_scale_of_its_longer_side(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    margins: list[float] = []
    monkeypatch.setattr(closer_look, "merge", lambda *given: margins.append(given[3]) or [])
    found(photo(size=size))
    (longer,) = {max(t.right - t.left, t.bottom - t.top) for t in tiles(*size, closer_look.TILE * INPUT)[:1]}
    assert margins == [closer_look.BORDER * longer / INPUT]


def test_a_photo_that_is_not_much_larger_than_the_input_is_looked_at_once() -> None:
    model = RectangleSegmenter()
    look, width = CloserLook(model), int(LARGE * INPUT)
    look.set_image(photo(size=(width, 50)))
    look.detect()
    assert model.looks == [(width, 50)]
    look.set_image(photo(size=(width + 1, 50)))
    look.detect()
    assert len(model.looks) > 6
    assert look.image_size == (50, width + 1), "prompts are about the whole photo"


def test_several_photos_at_once_are_as_one_by_one() -> None:
    images = [photo(SMALL, BIG), photo((10, 10, 30, 30), size=(90, 60)), photo(LONG)]
    look = CloserLook(RectangleSegmenter())
    seen = [sorted(tuple(i.box.astype(int).tolist()) for i in one) for one in look.detect_many(images)]
    assert seen == [found(image) for image in images]
    assert look.image_size == (0, 0)


def test_given_up_between_tiles_it_goes_on_from_there() -> None:
    model, urgent = RectangleSegmenter(), False

    def is_given_up() -> bool:
        return urgent and len(model.looks) > 4

    look, image = CloserLook(model, is_given_up), photo(SMALL, BIG)
    look.set_image(image)
    urgent = True
    with pytest.raises(LookGivenUpError):
        look.detect()
    before, urgent = len(model.looks), False
    look.set_image(image)
    boxes: Sequence[list[float]] = [i.box.tolist() for i in look.detect()]
    assert sorted(boxes) == sorted([list(SMALL), list(BIG)])
    # The whole once more, which is kept for prompts, and the tiles that were left.
    assert len(model.looks) - before == 1 + len(tiles(800, 600, 1)) - (before - 1)


@given(width=st.integers(1, 9000), height=st.integers(1, 9000), side=st.integers(50, 3000))
def test_tiles_overlap_and_cover_the_photo(width: int, height: int, side: int) -> None:
    made = tiles(width, height, side)
    assert min(t.left for t in made) == min(t.top for t in made) == 0
    for low, high, full in (("left", "right", width), ("top", "bottom", height)):
        spans = sorted({(getattr(t, low), getattr(t, high)) for t in made})
        assert spans[-1][1] >= full
        for (_, end), (start, _) in itertools.pairwise(spans):
            assert end - start >= 0.2 * full / 4 - 1
