from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from dataset.coco.categories import Category, from_coco, mirror, to_coco
from dataset.coco.reader import DataError, Source, load_coco
from dataset.pictures.images import read_photo
from model.config import TrainConfig
from model.data.augmentation import CropTransform, MaskCache, training_sample
from model.data.batching import plan_batches, samples_of
from model.data.training_dataset import TrainingDataset
from model.data.training_images import ObjectLabel, TrainingImage, classes_of, instance_mask, read_photos
from tests.model.conftest import POINTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from model.network.targets import Target

PLAIN = TrainConfig(flip=False, colour=0, jitter=(1.0, 1.0))


def photos_of(*sources: Source, by_supercategory: bool = False) -> tuple[list[TrainingImage], list[Category]]:
    classes = classes_of(
        [(s.annotations, load_coco(s.annotations)) for s in sources], by_supercategory=by_supercategory
    )
    return read_photos(list(sources), classes, by_supercategory=by_supercategory), classes


def test_photos_and_labels(coco_file: Callable[..., Path]) -> None:
    path = coco_file()
    photos, classes = photos_of(Source(path))
    assert [(c.id, c.name) for c in classes] == [(1, "person"), (2, "box")]
    assert classes[0].keypoint_names == POINTS
    assert len(photos) == 3
    person, box = photos[1].instances
    assert (person.label, person.box, len(person.keypoints)) == (1, (11, 10, 41, 50), 9)
    assert (box.label, box.keypoints) == (2, ())
    assert photos[1].complete == (True, True, True)
    assert photos[1].path == path.parent / "images" / "photo 2.png"


def test_a_class_is_complete_only_where_its_file_labels_all_of_it(coco_file: Callable[..., Path]) -> None:
    everything, persons = coco_file(1, "everything"), coco_file(1, "persons")
    data = json.loads(persons.read_text())
    data["categories"] = data["categories"][:1]
    persons.write_text(json.dumps(data))
    photos, _ = photos_of(Source(everything), Source(persons), Source(persons, partial=True))
    assert [p.complete for p in photos] == [(True, True, True), (True, True, False), (True, False, False)]
    assert len(photos[1].instances) == 1  # the box's category is unknown there


def test_classes_by_supercategory(coco_file: Callable[..., Path]) -> None:
    path = coco_file(1)
    data = json.loads(path.read_text())
    data["categories"].append({"id": 9, "name": "jar", "supercategory": "thing"})
    data["annotations"].append({**data["annotations"][1], "id": 99, "category_id": 9})
    path.write_text(json.dumps(data))
    photos, classes = photos_of(Source(path), by_supercategory=True)
    assert [c.name for c in classes] == ["person", "thing"]
    assert [i.label for i in photos[0].instances] == [1, 2, 2]
    assert classes[0].keypoint_names == POINTS
    assert classes[1].keypoint_names == ()


def test_crowds_are_kept_apart_and_slivers_left_out(coco_file: Callable[..., Path]) -> None:
    path = coco_file(1)
    data = json.loads(path.read_text())
    data["annotations"][0]["iscrowd"] = 1
    data["annotations"][1]["bbox"] = [5, 5, 0.4, 20]
    path.write_text(json.dumps(data))
    (photo,), _ = photos_of(Source(path))
    assert photo.instances == []
    assert photo.crowds == [(8, 10, 38, 50)]


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"images": [], "annotations": [], "categories": 3}'])
def test_what_is_no_coco_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        load_coco(path)
    assert str(path) in str(caught.value)
    with pytest.raises(DataError, match="cannot be read"):
        load_coco(tmp_path / "none.json")


def test_damaged_records_are_refused(coco_file: Callable[..., Path]) -> None:
    path = coco_file(1)
    data = json.loads(path.read_text())
    for change in ({"bbox": [1, 2]}, {"bbox": "wide"}, {"bbox": None}):
        path.write_text(json.dumps({**data, "annotations": [{**data["annotations"][0], **change}]}))
        with pytest.raises(DataError, match="None of the annotations"):
            photos_of(Source(path))
    path.write_text(json.dumps({**data, "images": [{"id": 1}]}))
    with pytest.raises(DataError, match="may mean several photos, or none"):
        photos_of(Source(path))
    path.write_text(json.dumps({**data, "categories": [{"name": "x"}]}))
    with pytest.raises(DataError, match="None of the annotations"):
        photos_of(Source(path))


def test_what_cannot_be_used_is_left_out_and_counted(
    coco_file: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = coco_file(4)
    data = json.loads(path.read_text())
    size = [72, 96]
    masks = [
        [[1, 2, 3, 4]],
        {"size": size, "counts": "abc"},
        {"size": size, "counts": ""},
        {"size": [9, 9], "counts": [81]},
    ]
    for record, mask in zip(data["annotations"], masks, strict=False):
        record["segmentation"] = mask
    data["annotations"][4]["bbox"] = [float("nan"), 1, 5, 5]
    data["annotations"][4]["keypoints"] = []
    data["annotations"][5]["keypoints"] = [float("nan"), 1, 2]
    data["images"][3]["width"] = 0
    data["images"].append({**data["images"][0], "id": 9, "file_name": "none.png"})
    data["annotations"].append({**data["annotations"][0], "image_id": 77})
    path.write_text(json.dumps(data))
    photos, _ = photos_of(Source(path))
    assert [len(p.instances) for p in photos] == [2, 2, 1, 2]  # the last has the size of its file
    assert all(i.segmentation is None for p in photos[:2] for i in p.instances)
    assert capsys.readouterr().err == (
        f"{path}: left out 1 photo without a file, 4 damaged masks,"
        " 1 annotation without a usable box or class, 1 damaged list of keypoints, 1 annotation of no photo.\n"
    )


def test_masks_are_grids_over_their_own_extent() -> None:
    polygon = [[10, 20, 50, 20, 50, 40, 10, 40]]
    for segmentation in (polygon, {"size": [60, 80], "counts": [10 * 60 + 20] + [20, 40] * 39 + [20, 1820]}):
        made = instance_mask(ObjectLabel(1, (10, 20, 50, 40), segmentation, ()), 80, 60)
        assert made is not None
        grid, box = made
        assert box.tolist() == [10, 20, 50, 40]
        assert grid.min() == 255
    assert instance_mask(ObjectLabel(1, (0, 0, 9, 9), None, ()), 80, 60) is None


def test_flipping_swaps_left_and_right() -> None:
    assert mirror(POINTS) == [0, 2, 1]
    where = CropTransform(1.0, 0.0, 0.0, flip=True, height=10, width=20)
    points = np.array([[[3, 4, 2], [5, 5, 2], [6, 6, 1]]], np.float32)
    # The pixel 3 of 20 becomes pixel 16.
    assert where.keypoints(points, mirror(POINTS))[0].tolist() == [[16, 4, 2], [13, 6, 1], [14, 5, 2]]
    assert where.boxes(np.array([[2, 1, 5, 9]], np.float32)).tolist() == [[15, 1, 18, 9]]


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("scale", [1.0, 1.7, 0.6, 0.3])
def test_labels_stay_on_their_object(coco_file: Callable[..., Path], flip: bool, scale: float) -> None:
    (photo,), _ = photos_of(Source(coco_file(1)))
    where = CropTransform(scale, 7.3, -2.6, flip=flip, height=90, width=120)
    drawn = where.apply(read_photo(photo.path))
    for instance in photo.instances:
        x1, y1, x2, y2 = where.boxes(np.array([instance.box], np.float32))[0]
        inner = drawn[max(0, round(y1 + 1)) : round(y2 - 1), round(x1 + 1) : round(x2 - 1)].astype(int)
        assert (inner.max(2) > 180).all()  # bright up to the edge of its box
        if x1 < 3 + scale:
            continue  # its left edge lies outside the canvas
        left = drawn[round((y1 + y2) / 2), max(0, round(x1 - 2 - scale))]
        assert left.max() < 150  # and dark outside


def test_a_training_sample(coco_file: Callable[..., Path]) -> None:
    (photo,), _ = photos_of(Source(coco_file(1)))
    random = np.random.default_rng(0)
    image, target = training_sample(
        photo, (96, 128), PLAIN, keypoints=3, mirror=mirror(POINTS), random=random, masks=MaskCache()
    )
    assert (image.shape, image.dtype) == ((3, 96, 128), torch.uint8)
    torch.testing.assert_close(target.boxes[0], torch.tensor([8.0, 10, 38, 50]) * 96 / 72)
    assert target.labels.tolist() == [1, 2]
    assert target.has_mask.tolist() == [True, True]
    assert target.keypoints[0, :, 2].tolist() == [2, 2, 1]
    assert target.keypoints[1, :, 2].sum() == 0


def test_what_a_crop_cuts_off_is_ignored(coco_file: Callable[..., Path]) -> None:
    (photo,), _ = photos_of(Source(coco_file(1)))
    photo = replace(photo, instances=[photo.instances[0], ObjectLabel(2, (90.0, 0.0, 96.0, 72.0), None, ())])
    config = replace(PLAIN, jitter=(2.0, 2.0))
    cut = 0
    for seed in range(20):
        _, target = training_sample(
            photo,
            (96, 128),
            config,
            keypoints=3,
            mirror=mirror(POINTS),
            random=np.random.default_rng(seed),
            masks=MaskCache(),
        )
        assert (target.boxes >= 0).all()
        assert (target.boxes <= torch.tensor([128.0, 96, 128, 96])).all()
        assert ((target.boxes[:, 2:] - target.boxes[:, :2]) >= 3).all()
        assert len(target.boxes) + len(target.ignore) <= 2
        cut += len(target.ignore)
        seen = target.keypoints[..., 2] > 0
        assert (target.keypoints[seen][:, 0] < 128).all()
    assert cut > 0


def test_an_epoch_has_every_photo_once_and_is_repeatable(coco_file: Callable[..., Path]) -> None:
    photos, _ = photos_of(Source(coco_file(9)))
    photos += [replace(p, width=72, height=96) for p in photos[:3]]
    samples = samples_of(photos)
    config = TrainConfig(batch=4, scales=(64, 96), seed=5)
    plans = plan_batches(samples, config, 1)
    assert sorted(i for p in plans for i in p.photos) == list(range(12))
    assert plans == plan_batches(samples, config, 1)
    assert plans != plan_batches(samples, config, 2)
    for plan in plans:
        upright = [photos[i].height > photos[i].width for i in plan.photos]
        assert upright == [plan.input_size[0] > plan.input_size[1]] * len(plan.photos)
        assert all(side % 32 == 0 for side in plan.input_size)
    assert {min(p.input_size) for p in plan_batches(samples, config, 1, share=0.0)} <= set(config.early_scales)


def test_a_photo_that_cannot_be_read_is_left_out(
    coco_file: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    photos, _ = photos_of(Source(coco_file(2)))
    photos[0].path.write_bytes(b"damaged")
    samples = samples_of(photos)
    config = TrainConfig(batch=2, scales=(64,))
    dataset = TrainingDataset(samples, plan_batches(samples, config, 0), config, MaskCache(), mirror=mirror(POINTS))
    batch = dataset[0]
    assert batch.names == [str(photos[1].path)]
    assert isinstance(batch.images, torch.Tensor)
    assert batch.images.shape[0] == len(batch.targets) == 1
    assert str(photos[0].path) in capsys.readouterr().err
    config = replace(config, paste=1.0)
    pasting = TrainingDataset(samples, plan_batches(samples, config, 0), config, MaskCache(), mirror=mirror(POINTS))
    assert {tuple(pasting[0].names) for _ in range(8)} == {(str(photos[1].path),)}, "nor does it give objects to others"
    photos[1].path.unlink()
    empty = dataset[0]
    assert isinstance(empty.images, torch.Tensor)
    assert empty.images.shape[0] == len(empty.targets) == 1
    assert not empty.targets[0].complete[1:].any()


def test_photos_get_objects_of_others(coco_file: Callable[..., Path]) -> None:
    photos, _ = photos_of(Source(coco_file(4)))
    photos[0].instances.clear()  # a photo without masks gives nothing
    samples = samples_of(photos)
    sparse = replace(PLAIN, batch=4, scales=(96,), early_scales=(96,))

    def drawn(config: TrainConfig, epoch: int) -> list[Target]:
        dataset = TrainingDataset(
            samples, plan_batches(samples, config, epoch), config, MaskCache(), mirror=mirror(POINTS)
        )
        assert [s.photo.path for s in dataset.donors] == ([p.path for p in photos[1:]] if config.paste else [])
        return dataset[0].targets

    assert sorted(len(t.boxes) for t in drawn(sparse, 0)) == [0, 2, 2, 2]
    more = [sum(len(t.boxes) + len(t.ignore) for t in drawn(replace(sparse, paste=1.0), e)) for e in range(6)]
    assert min(more) >= 6
    assert sum(more) > 6 * 8
    assert more[0] == sum(len(t.boxes) + len(t.ignore) for t in drawn(replace(sparse, paste=1.0), 0))


def test_categories_come_back_from_coco() -> None:
    category = Category(3, "bird", "animal", ("beak", "tail"), ((0, 1),))
    assert to_coco(category)["skeleton"] == [[1, 2]]  # which counts from 1 in a file
    assert from_coco(to_coco(category)) == category
    for bad in ({}, {"id": "1", "name": "a"}, {"id": 1, "name": 2}, {"id": 1, "name": "a", "skeleton": [[1, 2]]}, 3):
        with pytest.raises(ValueError, match=r"category|skeleton"):
            from_coco(bad)  # pyrefly: ignore
