from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.data.copy_paste import paste
from model.network.targets import MASK_GRID, Target, empty_target

HIGH, WIDE = 96, 128


def scene(*boxes: tuple[float, float, float, float], label: int = 1, masks: bool = True) -> Target:
    """Objects that fill their boxes, each with one keypoint in its middle."""
    rows = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    count = len(rows)
    middle = (rows[:, :2] + rows[:, 2:]) / 2
    return replace(
        empty_target(2, 1),
        boxes=rows,
        labels=torch.full((count,), label),
        masks=torch.full((count, MASK_GRID, MASK_GRID), 255, dtype=torch.uint8),
        mask_boxes=rows.clone(),
        has_mask=torch.full((count,), masks),
        keypoints=torch.cat([middle, torch.full((count, 1), 2.0)], 1)[:, None],
    )


def picture(value: int) -> torch.Tensor:
    return torch.full((3, HIGH, WIDE), value, dtype=torch.uint8)


class Always(np.random.Generator):
    """Random numbers by which every object is pasted."""

    def __init__(self) -> None:
        super().__init__(np.random.PCG64(0))

    def random(self, size: int) -> np.ndarray:  # type: ignore[override]  # pyrefly: ignore
        return np.zeros(size)


def test_an_object_comes_with_its_pixels_and_its_labels() -> None:
    below, donor = scene((5, 5, 25, 25)), scene((60, 40, 100, 80), label=2)
    image, target = paste(picture(50), below, picture(200), donor, Always())
    assert (image.dtype, image.shape) == (torch.uint8, (3, HIGH, WIDE))
    expected = torch.full((HIGH, WIDE), 50)
    expected[40:80, 60:100] = 200
    edge = torch.zeros(HIGH, WIDE, dtype=torch.bool)
    edge[39:81, 59:101] = True
    edge[41:79, 61:99] = False
    assert (image == expected)[:, ~edge].all()
    assert target.labels.tolist() == [1, 2]
    assert target.boxes.tolist() == [[5, 5, 25, 25], [60, 40, 100, 80]]
    assert target.keypoints[:, 0].tolist() == [[15, 15, 2], [80, 60, 2]]
    assert len(target.ignore) == 0
    torch.testing.assert_close(target.masks[0], below.masks[0])


def test_what_lies_below_loses_what_is_hidden() -> None:
    below = scene((20, 20, 60, 60))
    _, target = paste(picture(0), below, picture(9), scene((40, 10, 90, 70)), Always())
    assert target.boxes[0].tolist() == pytest.approx([20, 20, 40, 60], abs=0.5)
    visible = (target.masks[0] > 127).float()
    assert visible.mean().item() == pytest.approx(0.5, abs=0.02)
    assert visible[:, : MASK_GRID // 2 - 2].all()
    assert target.keypoints[0, 0, 2] == 0  # its middle is behind the edge of the other
    assert below.boxes.tolist() == [[20, 20, 60, 60]]  # the target that was given is as it was
    assert (below.masks == 255).all()


@pytest.mark.parametrize("masks", [True, False])
def test_an_object_that_is_nearly_hidden_is_ignored(masks: bool) -> None:
    below = scene((40, 40, 60, 60), (100, 5, 120, 25), masks=masks)
    _, target = paste(picture(0), below, picture(9), scene((38, 38, 62, 62)), Always())
    assert target.boxes.tolist() == [[100, 5, 120, 25], [38, 38, 62, 62]]
    assert target.ignore.tolist() == [[40, 40, 60, 60]]


@pytest.mark.parametrize("donor", [scene(), scene((5, 5, 50, 50), masks=False), scene((0, 0, 128, 96))])
def test_nothing_to_paste(donor: Target) -> None:
    below = scene((20, 20, 60, 60))
    image, target = paste(picture(7), below, picture(9), donor, Always())
    assert (image == 7).all()
    assert target is below


def test_it_is_repeatable_and_not_always_the_same() -> None:
    donor = scene(*((10 * i, 0, 10 * i + 8, 8) for i in range(12)))
    counts = [len(paste(picture(0), scene(), picture(9), donor, np.random.default_rng(s))[1].boxes) for s in range(20)]
    again = [len(paste(picture(0), scene(), picture(9), donor, np.random.default_rng(s))[1].boxes) for s in range(20)]
    assert counts == again
    assert 4 < np.mean(counts) < 8
    assert len(set(counts)) > 3


corner = st.tuples(st.floats(-20, 110), st.floats(-20, 80), st.floats(4, 60), st.floats(4, 60))


@settings(max_examples=60, deadline=None)
@given(st.lists(corner, max_size=4), st.lists(corner, max_size=4), st.integers(0, 99))
def test_whatever_overlaps_the_target_stays_sound(
    below: list[tuple[float, ...]], above: list[tuple[float, ...]], seed: int
) -> None:
    def cut(corners: list[tuple[float, ...]]) -> Target:
        whole = scene(*((x, y, x + w, y + h) for x, y, w, h in corners))
        clipped = whole.boxes.clamp(min=0)
        clipped[:, 0::2].clamp_(max=WIDE)
        clipped[:, 1::2].clamp_(max=HIGH)
        kept = (clipped[:, 2:] - clipped[:, :2]).amin(1) >= 3
        rows = torch.nonzero(kept).flatten()
        fields = ("labels", "masks", "mask_boxes", "has_mask", "keypoints")
        return replace(whole, boxes=clipped[rows], **{name: getattr(whole, name)[rows] for name in fields})

    lower, donor = cut(below), cut(above)
    image, target = paste(picture(1), lower, picture(2), donor, np.random.default_rng(seed))
    assert set(image.unique().tolist()) <= {1, 2}
    count = len(target.boxes)
    assert all(len(getattr(target, f)) == count for f in ("labels", "masks", "mask_boxes", "has_mask", "keypoints"))
    assert (target.boxes[:, 2:] - target.boxes[:, :2] >= 3 - 1e-3).all()
    assert (target.boxes >= 0).all()
    assert (target.boxes <= torch.tensor([WIDE, HIGH, WIDE, HIGH])).all()
    assert count + len(target.ignore) >= len(lower.boxes)
    assert ((target.masks > 127).flatten(1).any(1)).all()
