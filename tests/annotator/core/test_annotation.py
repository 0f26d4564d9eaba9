from __future__ import annotations

import dataclasses

import pytest

from annotator.core.annotation import Annotation, Keypoint, Origin, Visibility
from dataset.geometry import rectangle

BOX, OTHER = rectangle(0, 0, 4, 4), rectangle(1, 1, 3, 3)


@pytest.mark.parametrize(
    ("before", "after"),
    [(Origin.DRAWN, Origin.DRAWN), (Origin.SUGGESTED, Origin.EDITED), (Origin.EDITED, Origin.EDITED)],
)
def test_a_person_who_changes_it_becomes_an_origin(before: Origin, after: Origin) -> None:
    annotation = Annotation(1, 2, BOX, origin=before, score=0.5, is_box=True, extra={"a": 1})
    keypoints = (Keypoint(1, 2, Visibility.VISIBLE),)
    reshaped = annotation.with_shape(OTHER)
    assert reshaped == dataclasses.replace(annotation, shape=OTHER, origin=after, is_box=False)
    assert annotation.with_keypoints(keypoints) == dataclasses.replace(annotation, keypoints=keypoints, origin=after)
    assert annotation.shape == BOX


def test_ids_below_zero_are_suggestions() -> None:
    assert Annotation(-1, 1).is_suggestion
    assert not Annotation(1, 1).is_suggestion


def test_records_are_never_changed_in_place() -> None:
    annotation = Annotation(1, 1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        annotation.score = 1.0  # type: ignore[misc]
    with pytest.raises(TypeError):
        annotation.extra["a"] = 1  # type: ignore[index]


def test_records_with_the_same_content_are_equal() -> None:
    assert Annotation(1, 1, rectangle(0, 0, 4, 4)) == Annotation(1, 1, BOX)
    assert Annotation(1, 1, BOX) != Annotation(1, 1, OTHER)
