from __future__ import annotations

import copy
import random

import pytest

from tests.hostile import json_faults


@pytest.mark.parametrize("kind", ["coco", "results"])
def test_a_document_does_not_change_the_next_and_stays_small(kind: str) -> None:
    wrong = copy.deepcopy(json_faults.WRONG)
    rng, sound = random.Random(4711), json_faults.valid(kind)
    for _ in range(400):
        document = json_faults.mutated(rng, sound, rng.choice((1, 2, 8)))
        assert repr(json_faults.WRONG) == repr(wrong)
    assert sound == json_faults.valid(kind)
    assert len(json_faults.dumps([document, *["@1000000 deep@"] * 2000])) < 2e7
