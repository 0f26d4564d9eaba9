from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from model.inference.predictor import Predictor

if TYPE_CHECKING:
    from model.checkpoints.checkpoint import Checkpoint


def test_where_torch_is_there_already_nothing_is_kept_from_the_collector(tiny_checkpoint: Checkpoint) -> None:
    """A training makes a predictor each epoch."""
    Predictor(tiny_checkpoint, "cpu")
    before = gc.get_freeze_count()
    Predictor(tiny_checkpoint, "cpu")
    assert gc.get_freeze_count() == before
