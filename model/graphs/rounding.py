"""Graphs in 8 bits that are as good as those in floats, and faster, or none.

What `model.graphs.quantize` makes is tried on photos: it is used only where it finds what the graphs in floats find,
and really takes less time. Where the box head is what spoils it, that stays in floats.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dataset.i18n import tr
from model.graphs.agreement import MIN_OBJECTS, agreement
from model.graphs.quantize import quantize
from model.graphs.timing import milliseconds
from model.inference.engines.engine_record import FASTER, Rounding
from model.inference.predictor import Predictor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from model.graphs.agreement import Detector
    from model.inference.graph_file import Graphs
    from model.inference.segmenter import Segmenter

ENOUGH = 16
"""Photos to calibrate on: with fewer there are no graphs in 8 bits."""
MAX_LOSS = 0.003
"""What AP may fall by, of masks (without them, of boxes) and of keypoints."""
MIN_SHARE, MIN_OVERLAP = 0.95, 0.945
"""Least agreement of detections, and of their masks, where no AP can be measured.

Of the builtin model, on 16 and on 50 photos of two sets: as it is shipped, and with its first convolutions rounded,
too, AP falls by at most 0.003, and masks agree to 0.946 to 0.967; without the correction of biases AP falls by 0.008,
and they agree to 0.930 to 0.939. Rounded before they are clipped, values spoil a fifth of the detections.
"""
KEPT_IN_FLOATS: tuple[frozenset[str], ...] = (frozenset(), frozenset({"classify"}))
"""Parts that stay in floats, one attempt after the other."""


@dataclass(frozen=True)
class Comparison:
    """Whether a predictor is as good as another one."""

    is_as_good: bool
    why: str
    """The figures in one sentence."""


def round_graphs(
    floats: Graphs,
    photos: Sequence[NDArray[np.uint8]],
    judge: Callable[[Segmenter, Segmenter], Comparison],
) -> tuple[Graphs | None, Rounding]:
    """Return graphs in 8 bits, or None where those in floats are better, and what became of it.

    Args:
        floats: The graphs in floats.
        photos: [height, width, 3] RGB, like those to come, to calibrate on.
        judge: Compares the predictor in floats with that in 8 bits.
    """
    if len(photos) < ENOUGH:
        return None, Rounding(False, tr("{n} photos are too few to calibrate on", n=len(photos)), len(photos))
    whole = quantize(floats, photos)
    exact = Predictor(floats, "cpu")
    told = []
    for kept in KEPT_IN_FLOATS:
        made = replace(whole, parts=whole.parts | {name: floats.parts[name] for name in kept})
        near = Predictor(made, "cpu")
        found = judge(exact, near)
        told.append(tr("with the box head in floats: {found}", found=found.why) if kept else found.why)
        if not found.is_as_good:
            continue
        times = milliseconds({"float32": exact, "int8": near}, photos[0])
        if not times:  # they compute, and the engines are measured at another time
            return made, Rounding(True, "; ".join(told), len(photos))
        told.append(tr("{new:.0f} ms a photo instead of {old:.0f}", new=times["int8"], old=times["float32"]))
        is_faster = times["int8"] < FASTER["float32"] * times["float32"]
        return (made if is_faster else None), Rounding(is_faster, "; ".join(told), len(photos))
    return None, Rounding(False, "; ".join(told), len(photos))


def judge_by_agreement(photos: Sequence[NDArray[np.uint8]]) -> Callable[[Detector, Detector], Comparison]:
    """Return a judge for photos without labels."""

    def judge(exact: Detector, near: Detector) -> Comparison:
        found = agreement(exact, near, photos)
        if found.objects < MIN_OBJECTS:
            return Comparison(False, tr("{n} sure detections are too few to compare", n=found.objects))
        return Comparison(found.share >= MIN_SHARE and found.overlap >= MIN_OVERLAP, found.sentence)

    return judge


def judge_by_precision(measure: Callable[[Segmenter], Mapping[str, float | None]]) -> Callable[..., Comparison]:
    """Return a judge by the AP, 0..1, of each kind that counts, as `measure` returns it; None is no AP."""
    known: dict[str, float | None] = {}

    def judge(exact: Segmenter, near: Segmenter) -> Comparison:
        if not known:
            known.update(measure(exact))
        found = measure(near)
        pairs = {kind: (before, found.get(kind)) for kind, before in known.items() if before is not None}
        good = all(after is not None and before - after <= MAX_LOSS for before, after in pairs.values())
        told = [
            tr("{kind} AP {old:.4f} in floats, {new:.4f} in 8 bits", kind=kind, old=old, new=new or 0)
            for kind, (old, new) in pairs.items()
        ]
        return Comparison(good and bool(pairs), ", ".join(told) or tr("there is no AP to compare"))

    return judge


def some_of(files: Sequence[Path], count: int) -> list[Path]:
    """Return some of the files, the same ones each time, from all over the list."""
    return random.Random(0).sample(files, min(count, len(files)))  # noqa: S311 - nothing secret
