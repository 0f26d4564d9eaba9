"""Weights of several networks combined: interpolation, averaging, and a class's logit shifted.

On the straight line between a start and its fine-tuned weights lie networks that do what is new nearly as well as the
one end, and what was known nearly as well as the other (WiSE-FT: Wortsman et al., *Robust fine-tuning of zero-shot
models*, CVPR 2022).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from model.checkpoints.checkpoint import Checkpoint

CLASS_BIAS = "roi_heads.box_predictor.cls_score.bias"
OBJECT_BIAS = "rpn.head.cls_logits.bias"


def interpolate_weights(start: dict[str, Tensor], end: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """Return the weights at a share 0..1 of the way from one state to another of the same network."""
    return {
        name: start[name].lerp(value, share) if value.is_floating_point() else value.clone()
        for name, value in end.items()
    }


def shift_class_logit(source: Checkpoint, name: str, amount: float) -> Checkpoint:
    """Return a checkpoint that scores one class higher or lower: its logit plus `amount`.

    The order of the class's detections stays as good as the same; the score at which half of them are right moves.

    Raises:
        ValueError: There is no such class.
    """
    index = [category.name for category in source.categories].index(name) + 1
    bias = source.state[CLASS_BIAS].clone()
    bias[index] += amount
    return replace(source, state={**source.state, CLASS_BIAS: bias})


def shift_objectness(source: Checkpoint, amount: float) -> Checkpoint:
    """Return a checkpoint with `amount` added to the logits of its proposals, which count with `rpn_score`."""
    bias = source.state[OBJECT_BIAS] + amount
    return replace(source, state={**source.state, OBJECT_BIAS: bias})


def average_weights(sources: list[Checkpoint]) -> Checkpoint:
    """Return the first checkpoint with the mean of all weights, a uniform model soup (Wortsman et al., ICML 2022).

    Runs that were fine-tuned from one start lie in one basin of the loss, and their mean is lower in it than each.

    Raises:
        ValueError: They are not of one network, or name other classes.
    """
    first = sources[0]
    shapes = [{name: value.shape for name, value in s.state.items()} for s in sources]
    if any(s.categories != first.categories for s in sources) or any(shape != shapes[0] for shape in shapes):
        raise ValueError("Only checkpoints of the same network and of the same classes have an average.")
    state = {
        name: torch.stack([s.state[name].float() for s in sources]).mean(0) if value.is_floating_point() else value
        for name, value in first.state.items()
    }
    return replace(first, state=state)
