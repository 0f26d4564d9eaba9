from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from model.graphs import rounding
from model.graphs.agreement import agreement
from model.graphs.rounding import ENOUGH, Comparison, judge_by_agreement, judge_by_precision, round_graphs
from model.inference.instance import Instance
from model.inference.predictor import Predictor

if TYPE_CHECKING:
    from model.inference.graph_file import Graphs
    from model.inference.segmenter import Segmenter

PHOTOS = list(np.random.default_rng(0).integers(0, 255, (ENOUGH, 64, 96, 3), np.uint8))
SQUARE = np.array([[10, 10], [30, 10], [30, 30], [10, 30]], np.float32)


class Told:
    """A predictor that finds what it was told to."""

    def __init__(self, *found: Instance) -> None:
        self.found = found

    def set_image(self, image: object) -> None:
        pass

    def detect(self, score: float) -> list[Instance]:
        return [i for i in self.found if i.score > score]


def square(shift: float, score: float, category: int = 1) -> Instance:
    ring = SQUARE + shift
    return Instance(category, score, np.array([*ring[0], *ring[2]]), [[ring]], None, None)


def test_agreement_goes_both_ways_and_knows_classes() -> None:
    first = Told(square(0, 0.9), square(40, 0.51), square(60, 0.4))
    second = Told(square(0, 0.8), square(40, 0.49), square(20, 0.7, category=2))
    found = agreement(first, second, PHOTOS[:1])
    assert found.objects == 4, "two and two; one at 0.4 is not sure"
    assert found.share == pytest.approx(3 / 4), "what one alone finds counts, the score just below does not"
    assert found.overlap == 1
    half = agreement(Told(square(0, 0.9)), Told(square(2, 0.9)), PHOTOS[:1])
    assert half.overlap == pytest.approx(18 * 18 / (2 * 400 - 18 * 18), abs=0.02)


def judged(*good: bool) -> tuple[list[Segmenter], object]:
    seen: list[Segmenter] = []

    def judge(_exact: Segmenter, near: Segmenter) -> Comparison:
        seen.append(near)
        return Comparison(good[len(seen) - 1], f"look {len(seen)}")

    return seen, judge


def test_what_is_as_good_and_faster_is_used(tiny_graphs: Graphs, monkeypatch: pytest.MonkeyPatch) -> None:
    times = {"float32": 100.0, "int8": 50.0}
    monkeypatch.setattr(rounding, "milliseconds", lambda *_: times)
    monkeypatch.setattr(rounding, "quantize", lambda graphs, _: replace(graphs, arithmetic="int8"))
    seen, judge = judged(False, True)
    made, told = round_graphs(tiny_graphs, PHOTOS, judge)  # type: ignore[arg-type]
    assert made is not None
    assert made.parts["classify"] == tiny_graphs.parts["classify"], "the second attempt leaves the box head in floats"
    assert (told.used, told.photos) == (True, ENOUGH)
    assert told.why == "look 1; with the box head in floats: look 2; 50 ms a photo instead of 100"
    assert all(isinstance(near, Predictor) for near in seen)
    times.clear()
    made, told = round_graphs(tiny_graphs, PHOTOS, judged(True)[1])  # type: ignore[arg-type]
    assert (made is None, told.why) == (False, "look 1"), "a busy computer measures nothing"
    times |= {"float32": 100.0, "int8": 95.0}
    made, told = round_graphs(tiny_graphs, PHOTOS, judged(True)[1])  # type: ignore[arg-type]
    assert (made, told.used) == (None, False), "hardly faster"
    made, told = round_graphs(tiny_graphs, PHOTOS, judged(False, False)[1])  # type: ignore[arg-type]
    assert (made, told.used) == (None, False)
    assert round_graphs(tiny_graphs, PHOTOS[:-1], judge)[0] is None, "too few photos"  # type: ignore[arg-type]


def test_precision_may_fall_by_a_little() -> None:
    figures = iter(
        [{"mask": 0.4, "keypoints": 0.3}, {"mask": 0.3975, "keypoints": 0.31}, {"mask": 0.4, "keypoints": 0.296}]
    )
    judge = judge_by_precision(lambda _: next(figures))
    assert judge(None, None).is_as_good
    found = judge(None, None)
    assert not found.is_as_good
    assert found.why == "mask AP 0.4000 in floats, 0.4000 in 8 bits, keypoints AP 0.3000 in floats, 0.2960 in 8 bits"
    assert not judge_by_precision(lambda _: {"mask": None})(None, None).is_as_good, "nothing was measured"


def test_a_few_detections_decide_nothing() -> None:
    same = Told(square(0, 0.9))
    judge = judge_by_agreement(PHOTOS[:5])
    assert not judge(same, same).is_as_good
    assert judge_by_agreement(PHOTOS)(same, same).is_as_good
