"""What a record becomes when its class goes, and when it is back."""

from __future__ import annotations

from dataclasses import replace

from annotator.core.annotation import UNLABELLED, Annotation, Keypoint, Visibility
from annotator.core.class_removal import ClassRemoval
from annotator.core.skeleton import Skeleton, SkeletonChange
from dataset.coco.categories import Category
from dataset.geometry import rectangle

DOG = Category(1, "dog", keypoint_names=("nose", "tail"))
PET = Category(2, "pet", keypoint_names=("ear", "Nose"))
CUP = Category(3, "cup")
NOSE, TAIL = Keypoint(1, 2, Visibility.VISIBLE), Keypoint(3, 4, Visibility.OCCLUDED)
RECORD = Annotation(7, 1, rectangle(0, 0, 9, 9), (NOSE, TAIL))


def test_keypoints_of_the_same_name_go_along() -> None:
    moved = ClassRemoval(DOG, PET)(RECORD)
    assert moved == replace(RECORD, category_id=2, keypoints=(UNLABELLED, NOSE))
    assert ClassRemoval(DOG, CUP)(RECORD) == replace(RECORD, category_id=3, keypoints=())


def test_without_a_class_to_move_to_it_goes_and_others_stay_the_same_record() -> None:
    other = replace(RECORD, category_id=3)
    assert ClassRemoval(DOG)(RECORD) is None
    assert ClassRemoval(DOG, PET)(other) is other


def test_back_restores_dropped_points_and_keeps_what_was_done_since() -> None:
    removal = ClassRemoval(DOG, PET)
    moved = removal(RECORD)
    assert moved is not None
    assert removal.back(moved) is RECORD
    edited = moved.with_shape(rectangle(1, 1, 5, 5))
    assert removal.back(edited) == replace(edited, category_id=1, keypoints=(NOSE, UNLABELLED))


def test_back_leaves_what_was_of_the_other_class_before() -> None:
    removal = ClassRemoval(DOG, PET)
    before = replace(RECORD, category_id=2, keypoints=(), is_crowd=True)  # the same object, before it was relabelled
    assert removal(before) is before
    removal(RECORD)
    assert removal.back(before) is before
    stranger = replace(before, id=8)
    assert removal.back(stranger) is stranger


def test_back_finds_its_way_after_the_other_class_got_another_order() -> None:
    removal = ClassRemoval(DOG, PET)
    moved, own = removal(RECORD), replace(RECORD, category_id=2, keypoints=(NOSE, TAIL))
    assert moved is not None
    assert removal(own) is own
    before = Skeleton.of(PET)
    change = SkeletonChange(2, before, before.moved(1, 0))
    moved, own = change(moved), change(own)
    removal.follow(change)
    assert removal.back(moved) is RECORD
    assert removal.back(own) is own
    edited = moved.with_shape(rectangle(1, 1, 5, 5))
    assert removal.back(edited).keypoints == (NOSE, UNLABELLED)
    removal.follow(change.inverse())
    assert removal.back(change.inverse()(moved)) is RECORD
