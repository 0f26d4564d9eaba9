from __future__ import annotations

import math

import pytest
import torch

from model.network import box_ops as geometry
from model.network.losses import box_loss, class_loss, keypoint_loss, keypoint_targets, mask_loss, mask_targets


def test_class_loss_is_cross_entropy_where_everything_is_labelled() -> None:
    logits, labels = torch.randn(6, 4), torch.tensor([0, 1, 2, 3, 0, 2])
    complete = torch.ones(6, 4, dtype=torch.bool)
    expected = torch.nn.functional.cross_entropy(logits, labels)
    assert class_loss(logits, labels, complete, 6).item() == pytest.approx(expected.item(), rel=1e-5)


def test_an_unlabelled_class_is_not_pushed_towards_background() -> None:
    complete = torch.tensor([[True, True, False]])  # class 2 is not labelled in this photo
    surely_two = torch.tensor([[-9.0, -9.0, 9.0]], requires_grad=True)
    surely_one = torch.tensor([[-9.0, 9.0, -9.0]])
    loss = class_loss(surely_two, torch.tensor([0]), complete, 1)
    assert loss.item() == pytest.approx(0, abs=1e-4)
    assert class_loss(surely_one, torch.tensor([0]), complete, 1).item() > 10
    loss.backward()
    assert surely_two.grad is not None
    assert surely_two.grad.abs().max() < 1e-4


def test_background_teaches_nothing_where_no_class_is_complete() -> None:
    logits = torch.randn(3, 4, requires_grad=True)
    complete = torch.tensor([[True, False, False, False]]).expand(3, -1)
    loss = class_loss(logits, torch.zeros(3, dtype=torch.int64), complete, 3)
    assert loss.item() == pytest.approx(0, abs=1e-6)
    positive = class_loss(logits, torch.tensor([1, 2, 3]), complete, 3)
    assert positive.item() > 0


def mask_gradient(kind: str) -> torch.Tensor:
    logits = torch.zeros(2, 4, 5, 5, requires_grad=True)
    targets = torch.zeros(2, 5, 5)
    targets[:, 1:3, 1:4] = 1
    mask_loss(logits, targets, torch.tensor([1, 3]), kind, 2).backward()  # pyrefly: ignore
    assert logits.grad is not None
    return logits.grad.abs().sum((2, 3)) > 0


def test_sigmoid_masks_teach_the_true_class_only() -> None:
    assert mask_gradient("sigmoid").tolist() == [[False, True, False, False], [False, False, False, True]]


def test_softmax_masks_teach_every_class() -> None:
    assert mask_gradient("softmax").all()


def test_mask_loss_of_nothing_known_is_log_two() -> None:
    loss = mask_loss(torch.zeros(1, 3, 4, 4), torch.ones(1, 4, 4), torch.tensor([2]), "sigmoid", 1)
    assert loss.item() == pytest.approx(math.log(2))


def test_mask_targets_are_cut_out_at_the_region() -> None:
    grid = torch.zeros(1, 112, 112, dtype=torch.uint8)
    grid[:, :, 56:] = 255  # the right half of the object's box 10..20 x 0..10
    box = torch.tensor([[10.0, 0.0, 20.0, 10.0]])
    assert mask_targets(grid, box, box, 4)[0].tolist() == [[0, 0, 1, 1]] * 4
    # A region twice as wide: cells of 5 pixels centred on 7.5, 12.5, 17.5, 22.5; object from 15 to 20.
    wide = mask_targets(grid, box, torch.tensor([[5.0, 0.0, 25.0, 10.0]]), 4)[0]
    assert wide.tolist() == [[0, 0, 1, 0]] * 4
    # Half of it above the object: nothing there.
    high = mask_targets(grid, box, torch.tensor([[10.0, -10.0, 20.0, 10.0]]), 4)[0]
    assert high.tolist() == [[0] * 4, [0] * 4, [0, 0, 1, 1], [0, 0, 1, 1]]


def test_keypoint_targets_are_cells_of_the_region() -> None:
    region = torch.tensor([[100.0, 200.0, 212.0, 312.0]])  # two pixels a cell
    points = torch.tensor([[[100.5, 200.5, 2], [211.9, 311.9, 1], [99.0, 250, 2], [150, 250, 0]]])
    cells, counts = keypoint_targets(points, region)
    assert cells[0, :2].tolist() == [0, 56 * 56 - 1]
    assert counts.tolist() == [[True, True, False, False]]  # outside the region, and not labelled


def test_keypoint_loss() -> None:
    logits = torch.zeros(1, 2, 56, 56, requires_grad=True)
    cells = torch.tensor([[5, 7]])
    loss = keypoint_loss(logits, cells, torch.tensor([[True, False]]), 1)
    assert loss.item() == pytest.approx(math.log(56 * 56), rel=1e-5)
    loss.backward()
    assert logits.grad is not None
    assert logits.grad[0, 1].abs().sum() == 0  # a keypoint that does not count teaches nothing
    assert keypoint_loss(logits, cells, torch.zeros(1, 2, dtype=torch.bool), 1).item() == 0


def test_box_loss_looks_at_the_true_class_only() -> None:
    offsets = torch.zeros(1, 3 * 4)
    offsets[0, 4:8] = 5.0  # class 1 is far off, class 2 exactly right
    wanted = torch.zeros(1, 4)
    assert box_loss(offsets, wanted, torch.tensor([2]), 10).item() == 0
    # Smooth L1 with its bend at 1/9: 5 - 1/18 for each of the four, over ten regions.
    assert box_loss(offsets, wanted, torch.tensor([1]), 10).item() == pytest.approx(4 * (5 - 1 / 18) / 10)


def test_decode_undoes_encode() -> None:
    low = torch.rand(20, 2) * 100
    base, true = (torch.cat([low, low + torch.rand(20, 2) * 90 + 1], 1) for low in (low, low + 5))
    for weights in (geometry.RPN_WEIGHTS, geometry.HEAD_WEIGHTS):
        again = geometry.decode(geometry.encode(true, base, weights), base, weights)[:, 0]
        torch.testing.assert_close(again, true, rtol=1e-4, atol=1e-3)


def test_box_arithmetic_is_done_in_float32() -> None:
    base = torch.tensor([[300.3, 300.3, 301.9, 301.7]])
    decoded = geometry.decode(torch.zeros(1, 4, dtype=torch.bfloat16), base, geometry.RPN_WEIGHTS)
    assert decoded.dtype == torch.float32
    torch.testing.assert_close(decoded[:, 0], base, rtol=0, atol=1e-4)


def test_matching() -> None:
    true = torch.tensor([[0.0, 0, 10, 10], [50, 50, 60, 60]])
    found = torch.tensor([[0.0, 0, 10, 9], [0, 0, 10, 5], [0, 0, 10, 2], [50, 50, 60, 52]])
    assert geometry.match(found, true, 0.3, 0.7, keep_best=False).tolist() == [0, -2, -1, -1]
    # The second true box has no box over 0.7: it keeps its best, at 0.2.
    assert geometry.match(found, true, 0.3, 0.7, keep_best=True).tolist() == [0, -2, -1, 1]
    assert geometry.match(found, true[:0], 0.3, 0.7, keep_best=True).tolist() == [-1] * 4


def test_matching_in_parts_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 20,000 objects with all anchors there is no matrix."""
    torch.manual_seed(0)
    corners = torch.rand(300, 2) * 40
    boxes = torch.cat((corners, corners + torch.rand(300, 2) * 20), 1)
    whole = [geometry.match(boxes, boxes[:77], 0.3, 0.7, keep_best=keep) for keep in (False, True)]
    share = geometry.inside_share(boxes, boxes[:77])
    monkeypatch.setattr(geometry, "MAX_PAIRS", 1000)
    parts = [geometry.match(boxes, boxes[:77], 0.3, 0.7, keep_best=keep) for keep in (False, True)]
    assert [p.tolist() for p in parts] == [w.tolist() for w in whole]
    assert geometry.inside_share(boxes, boxes[:77]).tolist() == share.tolist()


def test_sampling_keeps_the_share_of_positives() -> None:
    matched = torch.tensor([0] * 50 + [-1] * 200 + [-2] * 50)
    positives, negatives = geometry.sample(matched, 40, 0.25, torch.Generator())
    assert (len(positives), len(negatives)) == (10, 30)
    assert (matched[positives] == 0).all()
    assert (matched[negatives] == -1).all()
    few, many = geometry.sample(torch.tensor([0, -1, -1, -1, -1]), 4, 0.5, torch.Generator())
    assert (len(few), len(many)) == (1, 3)


def test_share_inside_crowds() -> None:
    found = torch.tensor([[0.0, 0, 10, 10], [20, 20, 30, 30]])
    assert geometry.inside_share(found, torch.tensor([[5.0, 0, 100, 10]])).tolist() == [0.5, 0.0]
    assert geometry.inside_share(found, torch.zeros(0, 4)).tolist() == [0.0, 0.0]
