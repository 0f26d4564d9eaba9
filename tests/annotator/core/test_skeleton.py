from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator.core.annotation import UNLABELLED, Annotation, Keypoint, Origin, Visibility
from annotator.core.skeleton import Skeleton, SkeletonChange, in_order_of, mirrored, pairs, rearranged, sides
from annotator.core.skeleton_templates import TEMPLATES, laid_out, places
from dataset.coco.categories import Category, from_coco, read_categories, to_coco

NAMES = ("nose", "left_eye", "right_eye", "tail")
POINTS = tuple(Keypoint(float(i), 10.0 * i, Visibility.VISIBLE) for i in range(1, 5))
START = Skeleton.of(Category(1, "cat", keypoint_names=NAMES, skeleton=((0, 1), (0, 2), (0, 3))))


def edges_by_name(skeleton: Skeleton) -> set[frozenset[str]]:
    return {frozenset((skeleton.names[a], skeleton.names[b])) for a, b in skeleton.edges}


def test_a_keypoint_is_added_renamed_and_removed_with_its_edges() -> None:
    skeleton = START.added(" ear ").toggled(0, 4).renamed(1, "left_eyeball").removed(3)
    assert skeleton.names == ("nose", "left_eyeball", "right_eye", "ear")
    assert skeleton.origins == (0, 1, 2, None)
    assert skeleton.edges == ((0, 1), (0, 2), (0, 3))


def test_an_edge_is_put_and_taken_in_either_direction() -> None:
    assert START.toggled(1, 0).edges == ((0, 2), (0, 3))
    assert START.toggled(3, 2).edges == (*START.edges, (3, 2))
    assert START.toggled(2, 2) == START


@pytest.mark.parametrize("name", ["", "  ", "Nose"])
def test_a_name_is_there_once(name: str) -> None:
    with pytest.raises(ValueError, match="keypoint"):
        START.added(name)
    with pytest.raises(ValueError, match="keypoint"):
        START.renamed(1, name)
    assert START.renamed(0, "Nose").names[0] == "Nose"


def test_there_are_not_more_than_can_be_read_again() -> None:
    with pytest.raises(ValueError, match="1000"):
        Skeleton(tuple(f"p{i}" for i in range(1000)), (), (None,) * 1000).added("one more")


def test_a_template_keeps_the_points_of_its_names() -> None:
    person = START.become(TEMPLATES[0].names, TEMPLATES[0].edges)
    assert person.names[:3] == ("nose", "left_eye", "right_eye")
    assert person.origins[:3] == (0, 1, 2)
    assert set(person.origins[3:]) == {None}


@st.composite
def edited(draw: st.DrawFn) -> Skeleton:
    skeleton = START
    for step in range(draw(st.integers(0, 8))):
        count = len(skeleton.names)
        do = draw(st.sampled_from(["add", "remove", "move", "edge"]))
        if do == "add":
            skeleton = skeleton.added(f"new {step}")
        elif count and do == "remove":
            skeleton = skeleton.removed(draw(st.integers(0, count - 1)))
        elif count and do == "move":
            skeleton = skeleton.moved(draw(st.integers(0, count - 1)), draw(st.integers(0, count - 1)))
        elif count:
            skeleton = skeleton.toggled(draw(st.integers(0, count - 1)), draw(st.integers(0, count - 1)))
    return skeleton


@settings(max_examples=40)
@given(edited())
def test_each_point_goes_with_its_name_and_comes_back(after: Skeleton) -> None:
    record = Annotation(7, 1, keypoints=POINTS)
    change = SkeletonChange(1, START, after)
    changed = change(record)
    expected = dict(zip(NAMES, POINTS, strict=True))
    assert changed.keypoints == tuple(expected.get(name, UNLABELLED) for name in after.names)
    assert changed.origin is record.origin
    back = change.inverse()
    assert (back.before, back.after.names, back.after.edges) == (after, START.names, START.edges)
    assert back(replace(changed)) == record
    assert back.inverse()(back(changed)) == changed


@settings(max_examples=40)
@given(edited())
def test_what_was_edited_meanwhile_keeps_that_when_the_change_is_taken_back(after: Skeleton) -> None:
    change = SkeletonChange(1, START, after)
    changed = change(Annotation(7, 1, keypoints=POINTS))
    moved = changed.with_keypoints(tuple(k._replace(x=k.x + 1) if k.visibility else k for k in changed.keypoints))
    back = change.inverse()(moved)
    if changed.keypoints:
        kept = [NAMES[i] for i in after.origins if i is not None]
        assert back.keypoints == (
            tuple(p._replace(x=p.x + 1) if n in kept else UNLABELLED for n, p in zip(NAMES, POINTS, strict=True))
            if moved != changed
            else POINTS
        )


@settings(max_examples=40)
@given(edited(), st.integers(0, 20), st.integers(0, 20))
def test_edges_stay_between_the_same_names(after: Skeleton, index: int, to: int) -> None:
    if after.names:
        moved = after.moved(index % len(after.names), to % len(after.names))
        assert edges_by_name(moved) == edges_by_name(after)
        gone = after.names[index % len(after.names)]
        assert edges_by_name(after.removed(index % len(after.names))) == {
            edge for edge in edges_by_name(after) if gone not in edge
        }


@settings(max_examples=40)
@given(edited())
def test_a_file_has_the_edited_skeleton_counted_from_1(after: Skeleton) -> None:
    category = Category(1, "cat", keypoint_names=after.names, skeleton=after.edges)
    record = to_coco(category)
    if after.names:
        assert record["skeleton"] == [[a + 1, b + 1] for a, b in after.edges]
    assert (from_coco(record).keypoint_names, from_coco(record).skeleton) == (after.names, after.edges)
    assert read_categories([record]).categories[0].skeleton == after.edges


def test_a_record_is_changed_once_and_others_not_at_all() -> None:
    change = SkeletonChange(1, START, START.removed(0))
    record, other, bare = Annotation(7, 1, keypoints=POINTS), Annotation(8, 2, keypoints=POINTS), Annotation(9, 1)
    assert change(record) is change(record)
    assert change(other) is other
    assert change(bare) is bare
    assert SkeletonChange(1, START, START.renamed(0, "snout"))(record) is record
    assert not SkeletonChange(1, START, START.toggled(1, 2)).moves


def test_points_of_other_names_are_put_in_order() -> None:
    assert in_order_of(POINTS, NAMES, ("tail", "whiskers", "nose")) == (POINTS[3], UNLABELLED, POINTS[0])
    assert in_order_of(POINTS, NAMES, NAMES) == POINTS
    assert in_order_of(POINTS, NAMES, ("paw",)) == ()
    assert in_order_of(POINTS[:2], NAMES, NAMES) == ()
    assert rearranged(POINTS[:1], (0, 3)) == (POINTS[0], UNLABELLED)


def test_left_and_right_change_places() -> None:
    record = Annotation(1, 1, keypoints=POINTS, origin=Origin.SUGGESTED)
    swapped = mirrored(record, NAMES)
    assert swapped.keypoints == (POINTS[0], POINTS[2], POINTS[1], POINTS[3])
    assert swapped.origin is Origin.EDITED
    assert mirrored(swapped, NAMES).keypoints == POINTS
    assert mirrored(record, ("a", "b", "c", "d")) is record
    assert mirrored(record, NAMES[:2]) is record


@settings(max_examples=40)
@given(st.lists(st.sampled_from(["left", "right", "left_bright", "right_bright", "bleft", "x"]), unique=True))
def test_no_point_is_lost_by_odd_names(names: list[str]) -> None:
    points = tuple(Keypoint(float(i), 0.0, Visibility.VISIBLE) for i in range(len(names)))
    assert sorted(mirrored(Annotation(1, 1, keypoints=points), tuple(names)).keypoints) == list(points)


def test_sides_and_pairs_are_those_of_the_names() -> None:
    assert sides(NAMES) == ("", "left", "right", "")
    assert pairs(NAMES) == [(1, 2)]
    assert sides(("left_eye",)) == ("",)  # of nothing on the right


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.title)
def test_templates_are_whole(template: object) -> None:
    assert isinstance(template, type(TEMPLATES[0]))
    count = len(template.names)
    assert f"{count})" in template.title
    assert len({frozenset(edge) for edge in template.edges}) == len(template.edges)
    assert all(0 <= a < count and 0 <= b < count and a != b for a, b in template.edges)
    assert all(0 <= x <= 1 and 0 <= y <= 1 for x, y in template.places.values())
    assert len(set(template.places.values())) == count
    lefts = [name for name in template.names if "left" in name]
    assert len(pairs(template.names)) == len(lefts)
    assert places(template.names) == template.places


def test_the_person_of_coco() -> None:
    person = TEMPLATES[0]
    assert (person.names[0], person.names[5], person.names[16]) == ("nose", "left_shoulder", "right_ankle")
    assert len(person.edges) == 19


def test_names_of_no_template_have_no_places() -> None:
    assert places(("wing", "beak", "nose")) is None
    assert places(()) is None


@given(st.lists(st.sampled_from([*TEMPLATES[0].names, *TEMPLATES[1].names, "wing", "beak"]), unique=True))
def test_every_keypoint_has_a_place_of_its_own_in_the_picture(names: list[str]) -> None:
    placed = laid_out(tuple(names))
    assert len(placed) == len(names)
    assert len({(round(x, 4), round(y, 4)) for x, y in placed}) == len(names)
    assert all(0 <= x <= 1 and 0 <= y <= 1.2 for x, y in placed)
