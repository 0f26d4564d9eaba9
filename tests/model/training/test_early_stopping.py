from __future__ import annotations

import torch

from model.training.early_stopping import DROP, PATIENCE, TOLERANCE, BestCheckpoint


def test_a_run_stops_after_several_much_worse_validations_in_a_row() -> None:
    best, states = BestCheckpoint(), [{"w": torch.tensor(float(i))} for i in range(9)]
    best.update(0.5, 1, states[0])
    best.update(0.5 - TOLERANCE / 2, 2, states[1])
    assert (best.score, best.epoch, best.state) == (0.5, 2, states[1]), "nearly as good, and trained for longer"
    for number in range(PATIENCE - 1):
        best.update(0.5 - 2 * DROP, 3 + number, states[2])
    assert not best.stops
    best.update(0.5 - DROP / 2, 6, states[3])
    assert (best.misses, best.epoch) == (0, 2), "a little worse ends the row"
    for number in range(PATIENCE):
        best.update(0.5 - 2 * DROP, 7 + number, states[4])
    assert best.stops
    assert best.state == states[1]
