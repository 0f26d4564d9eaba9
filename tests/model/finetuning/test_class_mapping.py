from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
import torch

from dataset.coco.categories import Category
from model.data.project_dataset import read_project
from model.distributed import ProcessGroup
from model.finetuning.class_mapping import build_for_classes, map_classes, most_similar_outputs, outputs_by_name
from model.finetuning.pseudo_labels import add_pseudo_labels, project_images
from model.inference.instance import Instance
from model.inference.predictor import Predictor
from model.network.build import build
from tests.model.conftest import POINTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from model.checkpoints.checkpoint import Checkpoint

pytestmark = pytest.mark.usefixtures("repeatable")

SCORES = "roi_heads.box_predictor.cls_score.weight"
MASKS = "roi_heads.mask_predictor.mask_fcn_logits.bias"
KEYPOINTS = "roi_heads.keypoint_predictor.kps_score_lowres.bias"


def test_classes_are_joined_by_name(tiny_checkpoint: Checkpoint) -> None:
    own = (Category(4, "kite"), Category(0, "Box"))
    kept = map_classes(own, tiny_checkpoint, {4: 1}, kept=tiny_checkpoint.categories)
    assert [(c.id, c.name) for c in kept.categories] == [(4, "kite"), (0, "Box"), (5, "person")]
    assert kept.sources == (1, 2, 1)
    assert kept.new == ("kite",)
    assert kept.keypoints == POINTS
    assert kept.labels == {4: 1, 0: 2}
    given_up = map_classes(own, tiny_checkpoint, {}, kept=())
    assert [c.name for c in given_up.categories] == ["kite", "Box"]
    assert given_up.sources == (None, 2)
    assert given_up.keypoints == ()


def test_rows_go_with_their_classes(tiny_checkpoint: Checkpoint) -> None:
    classes = map_classes(
        (Category(4, "kite"), Category(0, "Box")), tiny_checkpoint, {}, kept=tiny_checkpoint.categories
    )
    new, old = build_for_classes(tiny_checkpoint, classes).state_dict(), tiny_checkpoint.state
    for row, source in ((0, 0), (2, 2), (3, 1)):
        assert torch.equal(new[SCORES][row], old[SCORES][source])
        assert torch.equal(new[MASKS][row], old[MASKS][source])
    torch.testing.assert_close(new[SCORES][1], old[SCORES][1:].mean(0))
    assert torch.equal(new[MASKS][1], old[MASKS][0])  # the mask of a kite starts from that of anything
    name = "roi_heads.box_predictor.bbox_pred.weight"
    assert torch.equal(new[name][12:16], old[name][4:8])
    assert torch.equal(new["backbone.body.0.0.weight"], old["backbone.body.0.0.weight"])


def test_masks_of_fully_connected_heads_go_with_their_classes(tiny_checkpoint: Checkpoint) -> None:
    network = build(replace(tiny_checkpoint.config, mask_head="mlp2"))
    parent = replace(tiny_checkpoint, config=network.config, state=network.state_dict())
    for own, rows in (((Category(0, "Box"),), (0, 2)), ((Category(0, "Box"), Category(4, "person")), (0, 2, 1))):
        new = build_for_classes(parent, map_classes(own, parent, {}, kept=())).state_dict()
        for name in ("roi_heads.mask_predictor.5.weight", "roi_heads.mask_predictor.5.bias"):
            assert torch.equal(new[name], parent.state[name].unflatten(0, (3, -1))[list(rows)].flatten(0, 1))


def test_offsets_that_are_alike_for_all_classes_stay(tiny_checkpoint: Checkpoint) -> None:
    network = build(replace(tiny_checkpoint.config, box_agnostic=True))
    parent = replace(tiny_checkpoint, config=network.config, state=network.state_dict())
    classes = map_classes((Category(4, "kite"), Category(0, "Box")), parent, {}, kept=parent.categories)
    new = build_for_classes(parent, classes).state_dict()
    name = "roi_heads.box_predictor.bbox_pred.weight"
    assert torch.equal(new[name], parent.state[name])
    assert torch.equal(new[SCORES][2], parent.state[SCORES][2])


def test_keypoints_follow_their_names(tiny_checkpoint: Checkpoint) -> None:
    points = ("right_hand", "tail", "nose")
    own = (Category(1, "person", "", points, ((0, 1),)),)
    classes = map_classes(own, tiny_checkpoint, {}, kept=tiny_checkpoint.categories)
    assert classes.categories[1].name == "box"
    new, old = build_for_classes(tiny_checkpoint, classes).state_dict(), tiny_checkpoint.state
    for row, source in ((0, 2), (2, 0)):
        assert torch.equal(new[KEYPOINTS][row], old[KEYPOINTS][source])
        name = KEYPOINTS.replace("bias", "weight")
        assert torch.equal(new[name][:, row], old[name][:, source])
    torch.testing.assert_close(new[KEYPOINTS][1], old[KEYPOINTS].mean())
    other = map_classes((Category(1, "dog", "", points, ()),), tiny_checkpoint, {}, kept=tiny_checkpoint.categories)
    assert [(c.name, c.keypoint_names) for c in other.categories] == [("dog", points), ("person", ()), ("box", ())]


def test_a_new_class_starts_from_what_answers_to_its_objects(
    coco_file: Callable[..., Path], tiny_checkpoint: Checkpoint
) -> None:
    project = read_project(coco_file(2), None, lambda: None)
    project.categories = (Category(1, "kite"), Category(7, "box"))
    predictor = Predictor(tiny_checkpoint, "cpu")
    likes = most_similar_outputs(project, [0, 1], predictor, tiny_checkpoint, lambda: None)
    assert set(likes) <= {1}
    with torch.no_grad():
        bias = tiny_checkpoint.state["roi_heads.box_predictor.cls_score.bias"].clone()
    for output in (1, 2):
        changed = {**tiny_checkpoint.state, "roi_heads.box_predictor.cls_score.bias": bias + 9 * torch.eye(3)[output]}
        parent = type(tiny_checkpoint)(tiny_checkpoint.config, tiny_checkpoint.categories, changed)
        assert most_similar_outputs(project, [0, 1], Predictor(parent, "cpu"), parent, lambda: None) == {1: output}


def test_a_large_photo_is_seen_reduced_and_labelled_in_its_own_size(
    coco_file: Callable[..., Path], tiny_checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    bias = tiny_checkpoint.state["roi_heads.box_predictor.cls_score.bias"] + torch.tensor([0.0, 20.0, 0.0])
    state = {**tiny_checkpoint.state, "roi_heads.box_predictor.cls_score.bias": bias}
    parent = type(tiny_checkpoint)(tiny_checkpoint.config, tiny_checkpoint.categories, state)
    project = read_project(coco_file(1), None, lambda: None)
    project.categories = (Category(7, "box"),)
    project.data["annotations"] = [a for a in project.data["annotations"] if a["category_id"] == 7]
    classes = map_classes(project.categories, parent, {}, kept=parent.categories)
    (photo,) = photos = project_images(project, classes)
    monkeypatch.setattr("dataset.pictures.images.MAX_MODEL_PIXELS", photo.width * photo.height // 4)
    predictor, seen = Predictor(parent, "cpu"), []
    set_image = predictor.set_image
    monkeypatch.setattr(predictor, "set_image", lambda pixels: (seen.append(pixels.shape[:2]), set_image(pixels)))
    add_pseudo_labels(photos, predictor, parent, classes, team=ProcessGroup(), check_cancelled=lambda: None)
    boxes = [i.box for i in photo.instances if i.label == 2]
    assert photo.width / 2 < max(box[2] for box in boxes) <= photo.width
    assert photo.height / 2 < max(box[3] for box in boxes) <= photo.height
    project.categories = (Category(7, "kite"),)
    assert most_similar_outputs(project, [0], predictor, parent, lambda: None) == {7: 1}
    assert seen == [(photo.height // 2, photo.width // 2)] * 2


def test_replay_adds_what_the_parent_is_sure_of_where_nothing_is_labelled(
    coco_file: Callable[..., Path], tiny_checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    bias = tiny_checkpoint.state["roi_heads.box_predictor.cls_score.bias"] + torch.tensor([0.0, 20.0, 0.0])
    state = {**tiny_checkpoint.state, "roi_heads.box_predictor.cls_score.bias": bias}
    parent = type(tiny_checkpoint)(tiny_checkpoint.config, tiny_checkpoint.categories, state)
    project = read_project(coco_file(2), None, lambda: None)
    project.data["annotations"] = [a for a in project.data["annotations"] if a["category_id"] == 7]
    project.categories = (Category(7, "box"),)
    classes = map_classes(project.categories, parent, {}, kept=parent.categories)
    photos = project_images(project, classes)
    assert photos[0].complete == (True, True, False)
    predictor = Predictor(parent, "cpu")
    count = add_pseudo_labels(photos, predictor, parent, classes, team=ProcessGroup(), check_cancelled=lambda: None)
    assert count > 0
    assert photos[0].complete == (True, True, True), "what the parent does not see is background"
    added = [i for photo in photos for i in photo.instances if i.label == 2]
    assert len(added) == count
    assert all(len(i.keypoints) in (0, 9) for i in added)
    for photo in photos:
        x1, y1, x2, y2 = photo.instances[0].box
        centres = [((i.box[0] + i.box[2]) / 2, (i.box[1] + i.box[3]) / 2, i) for i in photo.instances[1:]]
        same = [i for x, y, i in centres if abs(x - (x1 + x2) / 2) < 1 and abs(y - (y1 + y2) / 2) < 1]
        assert all((i.box[2] - i.box[0]) > 1.5 * (x2 - x1) or (i.box[2] - i.box[0]) < (x2 - x1) / 1.5 for i in same)
    monkeypatch.setattr("model.finetuning.pseudo_labels.PSEUDO_LABEL_SCORE", 1.1)  # it is sure of nothing any more
    half_seen = project_images(project, classes)
    assert (
        add_pseudo_labels(half_seen, predictor, parent, classes, team=ProcessGroup(), check_cancelled=lambda: None) == 0
    )
    assert sum(len(photo.crowds) for photo in half_seen) >= count, "nothing is learned there"
    forget = map_classes(project.categories, parent, {}, kept=())
    alone = project_images(project, forget)
    assert add_pseudo_labels(alone, predictor, parent, forget, team=ProcessGroup(), check_cancelled=lambda: None) == 0
    assert outputs_by_name(parent) == {"person": 1, "box": 2}


class SeesAPerson:
    """A teacher's predictor that is sure of one person with its keypoints, in the teacher's order."""

    def set_image(self, image: object) -> None:
        pass

    def detect(self, *_args: object) -> list[Instance]:
        points = np.array([[23, 15, 2], [33, 30, 2], [13, 30, 2]], np.float32)
        ring = np.array([[8, 10], [38, 10], [38, 50], [8, 50]], np.float32)
        return [Instance(1, 0.9, np.array([8, 10, 38, 50], np.float32), [[ring]], points)]


@pytest.mark.parametrize(
    ("own", "taught", "learned"),
    [
        ((), POINTS, [23, 15, 2, 33, 30, 2, 13, 30, 2]),
        ((), POINTS[::-1], [13, 30, 2, 33, 30, 2, 23, 15, 2]),
        ((), ("nose", "left_foot", "right_foot"), []),  # the builtin model's, say, where the parent's are others
        (POINTS, POINTS, [23, 15, 2, 33, 30, 2, 13, 30, 2]),
        (("tip", "left_edge", "right_edge"), POINTS, []),
    ],
)
def test_a_kept_class_teaches_keypoints_by_their_names(
    own: tuple[str, ...],
    taught: tuple[str, ...],
    learned: list[int],
    coco_file: Callable[..., Path],
    tiny_checkpoint: Checkpoint,
) -> None:
    project = read_project(coco_file(1), None, lambda: None)
    project.data["annotations"] = []
    project.categories = (Category(7, "box", "", own),)
    classes = map_classes(project.categories, tiny_checkpoint, {}, kept=tiny_checkpoint.categories)
    person = replace(tiny_checkpoint.categories[0], keypoint_names=taught, skeleton=())
    teacher = replace(tiny_checkpoint, categories=(person, *tiny_checkpoint.categories[1:]))
    (photo,) = photos = project_images(project, classes)
    predictor = cast("Predictor", SeesAPerson())
    add_pseudo_labels(photos, predictor, teacher, classes, team=ProcessGroup(), check_cancelled=lambda: None)
    (label,) = photo.instances
    assert list(label.keypoints) == learned
