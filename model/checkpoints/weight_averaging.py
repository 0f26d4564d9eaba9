"""Weights of several networks combined: interpolation and averaging; and logits that are scaled or shifted.

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

CLASS_LAYER = "roi_heads.box_predictor.cls_score."
CLASS_BIAS = f"{CLASS_LAYER}bias"
OBJECT_LAYER = "rpn.head.cls_logits."
OBJECT_BIAS = f"{OBJECT_LAYER}bias"


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
    names = [category.name for category in source.categories]
    if name not in names:
        raise ValueError(f"There is no class {name} whose logit could be shifted.")
    index = names.index(name) + 1
    bias = source.state[CLASS_BIAS].clone()
    bias[index] += amount
    return replace(source, state={**source.state, CLASS_BIAS: bias})


def adjust_objectness(source: Checkpoint, scale: float = 1.0, shift: float = 0.0) -> Checkpoint:
    """Return a checkpoint whose proposals' logits, which count with `rpn_score`, are `scale * logit + shift`."""
    state = _scaled(source.state, OBJECT_LAYER, scale)
    return replace(source, state={**state, OBJECT_BIAS: state[OBJECT_BIAS] + shift})


def scale_class_logits(source: Checkpoint, scale: float) -> Checkpoint:
    """Return a checkpoint whose classes' logits are `scale` times as far apart: the order of a region's stays."""
    return replace(source, state=_scaled(source.state, CLASS_LAYER, scale))


def _scaled(state: dict[str, Tensor], layer: str, scale: float) -> dict[str, Tensor]:
    return {name: value * scale if name.startswith(layer) else value for name, value in state.items()}


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
