"""Skeletons to start from: names, edges and where each keypoint stands in a picture of the skeleton."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from dataset.i18n import mark

if TYPE_CHECKING:
    from collections.abc import Mapping

    from annotator.core.skeleton import Edge

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class SkeletonTemplate:
    """A skeleton that many data sets have."""

    title: str
    """Given to `mark` and translated where it is shown."""
    places: Mapping[str, Place]
    """By name, in order: x to the right and y down, both from 0 to 1. A body is seen from the front."""
    edges: tuple[Edge, ...]
    """Indices from 0."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the keypoints, in order."""
        return tuple(self.places)


def _paired(places: Mapping[str, Place]) -> dict[str, Place]:
    """Return the places with each `left_` one followed by its counterpart, mirrored at the middle."""
    both: dict[str, Place] = {}
    for name, (x, y) in places.items():
        both[name] = (x, y)
        if "left" in name:
            both[name.replace("left", "right")] = (1 - x, y)
    return both


def _edges(names: Mapping[str, Place], *chains: str) -> tuple[Edge, ...]:
    """Return the edges of chains "a b c"; one through a left keypoint is there for the right ones too."""
    index = {name: i for i, name in enumerate(names)}
    found: dict[Edge, None] = {}
    for chain in chains:
        for version in (chain, chain.replace("left", "right")):
            ends = [index[name] for name in version.split()]
            found |= {edge: None for edge in pairwise(ends) if edge[0] != edge[1] and edge[::-1] not in found}
    return tuple(found)


# Left of a person who looks at the camera is on the right of the picture.
_PERSON = _paired({
    "nose": (.5, .09), "left_eye": (.55, .05), "left_ear": (.61, .08), "left_shoulder": (.66, .23),
    "left_elbow": (.76, .4), "left_wrist": (.82, .56), "left_hip": (.6, .54), "left_knee": (.62, .76),
    "left_ankle": (.63, .97),
})  # fmt: skip
_QUADRUPED: dict[str, Place] = {
    "left_eye": (.1, .2), "right_eye": (.2, .16), "nose": (.06, .34), "neck": (.28, .3), "root_of_tail": (.88, .3),
    "left_shoulder": (.3, .5), "left_elbow": (.27, .7), "left_front_paw": (.25, .95),
    "right_shoulder": (.42, .5), "right_elbow": (.42, .7), "right_front_paw": (.41, .95),
    "left_hip": (.78, .5), "left_knee": (.73, .7), "left_back_paw": (.76, .95),
    "right_hip": (.9, .5), "right_knee": (.88, .7), "right_back_paw": (.92, .95),
}  # fmt: skip
_FINGERS: dict[str, tuple[tuple[float, float], ...]] = {
    "thumb": ((0.32, 0.8), (0.2, 0.66), (0.12, 0.55), (0.05, 0.45)),
    "index_finger": ((0.34, 0.48), (0.3, 0.32), (0.28, 0.2), (0.27, 0.1)),
    "middle_finger": ((0.48, 0.45), (0.48, 0.27), (0.48, 0.14), (0.48, 0.03)),
    "ring_finger": ((0.61, 0.48), (0.65, 0.31), (0.67, 0.2), (0.69, 0.1)),
    "little_finger": ((0.73, 0.55), (0.81, 0.43), (0.86, 0.34), (0.91, 0.25)),
}
_HAND: dict[str, Place] = {"wrist": (0.48, 0.97)} | {
    f"{finger}_{i}": place for finger, joints in _FINGERS.items() for i, place in enumerate(joints, 1)
}
_FACE = _paired({
    "left_eyebrow_outer": (.85, .22), "left_eyebrow_inner": (.6, .2), "left_eye_outer": (.8, .36),
    "left_eye_inner": (.62, .36), "nose_tip": (.5, .58), "left_nostril": (.58, .62), "mouth_left": (.68, .78),
    "upper_lip": (.5, .74), "lower_lip": (.5, .84), "chin": (.5, .98),
})  # fmt: skip

TEMPLATES = (
    SkeletonTemplate(mark("Person (COCO, 17)"), _PERSON, _edges(
        _PERSON, "left_ankle left_knee left_hip left_shoulder left_elbow left_wrist", "left_hip right_hip",
        "left_shoulder right_shoulder", "left_shoulder left_ear left_eye nose", "left_eye right_eye",
    )),
    SkeletonTemplate(mark("Hand (21)"), _HAND, _edges(
        _HAND, *(f"wrist {finger}_1 {finger}_2 {finger}_3 {finger}_4" for finger in _FINGERS),
    )),
    SkeletonTemplate(mark("Face (16)"), _FACE, _edges(
        _FACE, "left_eyebrow_outer left_eyebrow_inner", "left_eye_outer left_eye_inner",
        "left_nostril nose_tip", "mouth_left upper_lip", "mouth_left lower_lip",
    )),
    SkeletonTemplate(mark("Four-legged animal (17)"), _QUADRUPED, _edges(
        _QUADRUPED, "left_eye right_eye", "left_eye nose", "nose neck root_of_tail",
        "neck left_shoulder left_elbow left_front_paw", "root_of_tail left_hip left_knee left_back_paw",
    )),
)  # fmt: skip


def places(names: tuple[str, ...]) -> dict[str, Place] | None:
    """Return where the template that has most of these names puts them; None where it has fewer than half of them."""
    best = max(TEMPLATES, key=lambda template: len(template.places.keys() & set(names)))
    known = {name: best.places[name] for name in names if name in best.places}
    return known if 2 * len(known) >= len(names) > 0 else None


def laid_out(names: tuple[str, ...]) -> list[Place]:
    """Return where keypoints stand in a picture of their skeleton: as in a template, else in a circle.

    Those that the template lacks stand in a row below it, where y is above 1.
    """
    known = places(names)
    if known is None:
        turns = [2 * math.pi * i / max(len(names), 1) for i in range(len(names))]
        return [(0.5 + 0.5 * math.sin(turn), 0.5 - 0.5 * math.cos(turn)) for turn in turns]
    others = [name for name in names if name not in known]
    row = {name: ((i + 1) / (len(others) + 1), 1.15) for i, name in enumerate(others)}
    return [(known | row)[name] for name in names]
