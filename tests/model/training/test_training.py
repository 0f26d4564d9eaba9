from __future__ import annotations

import argparse
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch

from dataset.coco.reader import DataError, Source, load_coco
from model.checkpoints import checkpoint, weights
from model.checkpoints.head_transfer import load_backbone, transfer_heads
from model.commands import train
from model.config import TrainConfig
from model.data.batching import ORIENTATIONS, Batch, plan_batches, samples_of
from model.data.training_dataset import TrainingDataset
from model.data.training_images import TrainingImage, classes_of, read_photos
from model.distributed import ProcessGroup
from model.network.build import build
from model.network.targets import empty_target
from model.protocol import Epoch, TrainStep
from model.training import trainer
from model.training.schedule import lr_factor
from model.training.trainer import Trainer, TrainingError, freeze_stages
from tests.model.conftest import CATEGORIES, TINY, config

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from model.checkpoints.checkpoint import Checkpoint
    from model.protocol import TrainingEvent

pytestmark = pytest.mark.usefixtures("repeatable")

QUICK = TrainConfig(
    epochs=2, batch=2, scales=(64,), early_scales=(64,), warmup=1, rpn_post_nms=30, box_batch=32, mask_batch=8
)


def tiny_trainer(
    annotations: Path, output: Path, settings: TrainConfig = QUICK, seed: int = 0, team: ProcessGroup | None = None
) -> Trainer:
    torch.manual_seed(seed)
    sources = [Source(annotations)]
    categories = classes_of([(annotations, load_coco(annotations))], by_supercategory=False)
    photos = read_photos(sources, categories, by_supercategory=False)
    network = build(TINY)
    for module in network.backbone.body.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight, mode="fan_out")
    return Trainer(
        network, tuple(categories), samples_of(photos), settings, output=output, device=torch.device("cpu"), team=team
    )


def quiet(_: TrainingEvent) -> None:
    pass


def test_training_lowers_every_loss(coco_file: Callable[..., Path], tmp_path: Path) -> None:
    settings = replace(QUICK, epochs=20, learning_rate=3e-3, flip=False, colour=0, jitter=(1.0, 1.0))
    run = tiny_trainer(coco_file(2), tmp_path / "a.safetensors", settings)
    events: list[TrainingEvent] = []
    run.run(events.append)
    records = [{name: value or 0.0 for name, value in e.losses.items()} for e in events if isinstance(e, TrainStep)]
    assert len(records) == 20
    assert set(records[0]) == {"rpn_objectness", "rpn_box", "class", "box", "mask", "keypoint"}
    for name in ("rpn_objectness", "class", "mask", "keypoint"):
        first, last = (sum(r[name] for r in part) / 5 for part in (records[:5], records[-5:]))
        assert last < (0.98 if name == "keypoint" else 0.9) * first, name
    checkpoint = weights.load(tmp_path / "a.safetensors")
    assert [c.name for c in checkpoint.categories] == ["person", "box"]
    assert checkpoint.metrics["training"]["step"] == 20


def test_a_killed_run_goes_on_where_it_was(coco_file: Callable[..., Path], tmp_path: Path) -> None:
    annotations = coco_file(5)
    whole = tiny_trainer(annotations, tmp_path / "whole.safetensors")
    whole.run(quiet)

    class Killed(BaseException):
        pass

    def kill(event: TrainingEvent) -> None:
        if isinstance(event, TrainStep) and event.step == 4:  # in the middle of the second epoch
            first.save()
            raise Killed

    first = tiny_trainer(annotations, tmp_path / "parts.safetensors")
    with pytest.raises(Killed):
        first.run(kill)
    second = tiny_trainer(annotations, tmp_path / "parts.safetensors", seed=9)
    assert second.resume()
    assert (second.progress.epoch, second.progress.batch, second.progress.step) == (1, 1, 4)
    second.run(quiet)
    assert second.progress.step == whole.progress.step == 6
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, second.network.state_dict()[name]), name


def test_a_run_that_is_resumed_at_its_end_writes_again_what_is_gone(
    coco_file: Callable[..., Path], tmp_path: Path
) -> None:
    annotations, output = coco_file(1), tmp_path / "a.safetensors"
    settings = replace(QUICK, epochs=1)

    class Killed(BaseException):
        pass

    def kill(event: TrainingEvent) -> None:
        if isinstance(event, Epoch):
            raise Killed

    with pytest.raises(Killed):
        tiny_trainer(annotations, output, settings).run(kill)
    written = weights.load(output).digest()
    output.unlink()
    again = tiny_trainer(annotations, output, settings, seed=9)
    assert again.resume()
    again.run(quiet)
    assert weights.load(output).digest() == written
    assert not again.state_file.exists()
    with pytest.raises(TrainingError, match=r"a\.safetensors is there .*--weights"):
        tiny_trainer(annotations, output, settings).resume()


def test_nothing_to_resume_and_a_damaged_state(coco_file: Callable[..., Path], tmp_path: Path) -> None:
    run = tiny_trainer(coco_file(1), tmp_path / "a.safetensors")
    assert not run.resume()
    run.state_file.write_bytes(b"not a state")
    with pytest.raises(TrainingError, match="delete it"):
        run.resume()


def test_a_run_goes_on_with_the_same_data_only(coco_file: Callable[..., Path], tmp_path: Path) -> None:
    annotations, output = coco_file(2), tmp_path / "a.safetensors"
    tiny_trainer(annotations, output).save()
    for name, other in (
        ("batch", tiny_trainer(annotations, output, replace(QUICK, batch=1))),
        ("seed", tiny_trainer(annotations, output, replace(QUICK, seed=3))),
        ("photos", tiny_trainer(coco_file(3, "more"), output)),
    ):
        with pytest.raises(TrainingError, match=rf"a\.resume is of a run with other {name}: .* delete it"):
            other.resume()
    swapped = tiny_trainer(annotations, output)
    swapped.categories = swapped.categories[::-1]
    before = swapped.network.get_parameter("roi_heads.box_predictor.cls_score.weight").clone()
    with pytest.raises(TrainingError, match="other categories"):
        swapped.resume()
    assert torch.equal(before, swapped.network.get_parameter("roi_heads.box_predictor.cls_score.weight"))
    assert tiny_trainer(annotations, output, replace(QUICK, epochs=9)).resume()
    old = checkpoint.read_state(swapped.state_file)
    del old["fixed"]
    checkpoint.write_state(swapped.state_file, old)
    with pytest.raises(TrainingError, match="does not fit this run: delete it"):
        tiny_trainer(annotations, output).resume()


def test_a_loss_that_is_not_finite_names_the_photos(coco_file: Callable[..., Path], tmp_path: Path) -> None:
    run = tiny_trainer(coco_file(1), tmp_path / "a.safetensors")
    target = empty_target(2, 3)
    target.boxes = torch.tensor([[5.0, 5.0, 40.0, 40.0]])
    target.labels = torch.tensor([1])
    target.masks, target.mask_boxes = torch.zeros(1, 112, 112, dtype=torch.uint8), target.boxes
    target.has_mask, target.keypoints = torch.tensor([True]), torch.zeros(1, 3, 3)
    run.network.roi_heads.box_predictor.cls_score.bias.data.fill_(float("nan"))
    images = torch.zeros(1, 3, 64, 96, dtype=torch.uint8)
    before = run.network.get_parameter("backbone.fpn.inner_blocks.0.0.weight").clone()
    with pytest.raises(TrainingError, match=r"not finite .*street 1\.jpg"):
        run.step(Batch(images, [target], ["street 1.jpg"]))
    assert torch.equal(before, run.network.get_parameter("backbone.fpn.inner_blocks.0.0.weight"))


@pytest.mark.parametrize("keypoints", [0, 3])
def test_a_photo_without_instances_trains(keypoints: int) -> None:
    network = build(config(keypoints=keypoints))
    targets = [empty_target(2, keypoints), empty_target(2, keypoints)]
    losses = network(torch.randn(2, 3, 64, 96), targets, QUICK)
    torch.stack(list(losses.values())).sum().backward()
    assert losses["mask"].item() == 0
    assert all(p.grad is not None for p in network.roi_heads.parameters())


def test_what_is_ignored_is_no_background(tiny_checkpoint: Checkpoint) -> None:
    """A crowd, or a suggestion that nobody answered, over all anchors and proposals: no loss is left."""
    network = weights.network_of(tiny_checkpoint).train()
    target = empty_target(2, 3)
    image = torch.randn(1, 3, 64, 96)
    losses = network(image, [target], QUICK)
    assert losses["rpn_objectness"].item() > 0
    assert losses["class"].item() > 0
    target.ignore = torch.tensor([[-999.0, -999.0, 999.0, 999.0]])
    assert {value.item() for value in network(image, [target], QUICK).values()} == {0}


def test_instances_without_mask_or_keypoints_add_nothing_to_those_losses(tiny_checkpoint: Checkpoint) -> None:
    network = weights.network_of(tiny_checkpoint).train()
    target = empty_target(2, 3)
    target.boxes = torch.tensor([[5.0, 5.0, 40.0, 40.0]])
    target.labels = torch.tensor([1])
    target.masks, target.mask_boxes = torch.zeros(1, 112, 112, dtype=torch.uint8), target.boxes
    target.has_mask, target.keypoints = torch.tensor([False]), torch.zeros(1, 3, 3)
    losses = network(torch.randn(1, 3, 64, 96), [target], QUICK)
    assert losses["mask"].item() == 0
    assert losses["keypoint"].item() == 0
    assert losses["box"].item() > 0
    target.has_mask = torch.tensor([True])
    target.keypoints = torch.tensor([[[10.0, 10, 2], [0, 0, 0], [0, 0, 0]]])
    losses = network(torch.randn(1, 3, 64, 96), [target], QUICK)
    assert losses["mask"].item() > 0
    assert losses["keypoint"].item() > 0


def test_schedules() -> None:
    cosine, steps = TrainConfig(warmup=10), TrainConfig(warmup=10, schedule="step")
    assert lr_factor(cosine, 0, 0.0) == pytest.approx(0.1)
    assert lr_factor(cosine, 100, 0.5) == pytest.approx(0.505)
    assert lr_factor(cosine, 100, 1.0) == pytest.approx(0.01)
    assert [lr_factor(steps, 100, s) for s in (0.5, 0.8, 0.95)] == [1.0, 0.1, 0.01]


@pytest.mark.parametrize(("wide", "high", "batches"), [(2, 2, 2), (5, 3, 3), (4, 0, 1), (0, 0, 0)])
def test_the_schedule_ends_with_the_last_batch(wide: int, high: int, batches: int, tmp_path: Path) -> None:
    sizes = [(100, 80)] * wide + [(80, 100)] * high
    photos = [TrainingImage(tmp_path / f"{i}.png", *size, complete=(True,) * 3) for i, size in enumerate(sizes)]
    settings = replace(QUICK, batch=4)
    samples, device = samples_of(photos), torch.device("cpu")
    run = Trainer(build(TINY), CATEGORIES, samples, settings, output=tmp_path / "a.safetensors", device=device)
    for epoch in range(settings.epochs):
        assert len(plan_batches(run.samples, settings, epoch, groups=ORIENTATIONS)) == batches
    run.progress.step = settings.epochs * batches
    assert run.share() == (1 if batches else 0)


def test_a_time_limit_ends_training(
    coco_file: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 100_000, 10))  # every look at the clock is ten seconds after the last
    monkeypatch.setattr(trainer.time, "monotonic", lambda: float(next(clock)))
    run = tiny_trainer(coco_file(3), tmp_path / "a.safetensors", replace(QUICK, minutes=1.0))
    run.run(quiet)
    assert run.share() >= 1
    assert 3 <= run.progress.step <= 6


def test_every_process_has_a_photo_of_every_batch(coco_file: Callable[..., Path], tmp_path: Path) -> None:
    run = tiny_trainer(coco_file(5), tmp_path / "a.safetensors")
    plans = plan_batches(run.samples, QUICK, 0, groups=ORIENTATIONS)
    for index, plan in enumerate(plans):
        parts = [
            TrainingDataset(run.samples, plans, QUICK, run.masks, mirror=run.mirror, team=ProcessGroup(rank, 2))[
                index
            ].names
            for rank in range(2)
        ]
        assert [len(names) for names in parts] == [1, 1]
        assert {name for names in parts for name in names} == {str(run.samples[i].photo.path) for i in plan.photos}


def test_a_batch_is_no_smaller_than_the_team(coco_file: Callable[..., Path], tmp_path: Path) -> None:
    given = ["--train", str(coco_file(2)), "--output", str(tmp_path / "a.safetensors"), "--batch", "2"]
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    with pytest.raises(TrainingError, match=r"^3 processes cannot share a batch of 2 photos: choose --batch 3 or more"):
        train.prepare(parser.parse_args(given), ProcessGroup(0, 3), print)


@pytest.mark.parametrize("minutes", [0.0, 1.0])
def test_an_epoch_without_photos_is_no_success(coco_file: Callable[..., Path], tmp_path: Path, minutes: float) -> None:
    run = tiny_trainer(coco_file(1), tmp_path / "a.safetensors", replace(QUICK, minutes=minutes))
    run.samples = []
    with pytest.raises(TrainingError, match="Nothing to train on"):
        run.run(quiet)


def test_what_was_learned_is_kept_when_measuring_fails(coco_file: Callable[..., Path], tmp_path: Path) -> None:
    run = tiny_trainer(coco_file(2), tmp_path / "a.safetensors")

    def fail(_: Checkpoint) -> dict[str, Any]:
        raise DataError("The file is gone.")

    with pytest.raises(DataError):
        run.run(quiet, fail)
    assert weights.load(tmp_path / "a.safetensors").metrics["training"]["epoch"] == 1
    again = tiny_trainer(run.samples[0].photo.path.parents[1] / "train.json", tmp_path / "a.safetensors")
    assert again.resume()
    assert again.progress.epoch == 1


def test_frozen_stages_do_not_move(tmp_path: Path, coco_file: Callable[..., Path]) -> None:
    network = build(TINY)
    freeze_stages(network, 2)
    frozen = {n.split(".")[1] for n, p in network.backbone.named_parameters() if not p.requires_grad}
    assert frozen == {str(i) for i in range(7)}  # MobileNetV2's stride 8 ends with block 6
    run = tiny_trainer(coco_file(1), tmp_path / "a.safetensors")
    before = {n: p.clone() for n, p in run.network.backbone.body.named_parameters()}
    run.run(quiet)
    moved = {n.split(".")[0] for n, p in run.network.backbone.body.named_parameters() if not torch.equal(p, before[n])}
    assert not moved & {"0", "1", "2", "3"}
    assert moved


def test_batch_norms_of_frozen_stages_do_not_move(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, device = build(config(batch_norm="trained")), torch.device("cpu")
    settings = replace(QUICK, frozen_stages=2)
    run = Trainer(network, CATEGORIES, [], settings, output=tmp_path / "a.safetensors", device=device)
    before = {name: value.clone() for name, value in network.backbone.body.state_dict().items()}
    pictures = torch.randint(0, 255, (2, 3, 64, 64), dtype=torch.uint8)
    run.step(Batch(pictures, [empty_target(2, 3), empty_target(2, 3)], ["a", "b"]))
    now = network.backbone.body.state_dict()
    moved = {int(name.split(".")[0]) for name, value in now.items() if not torch.equal(value, before[name])}
    assert moved == set(range(7, 18))  # the stages after MobileNetV2's stride 8


def test_weights_move_to_a_network_with_other_classes(tiny_checkpoint: Checkpoint) -> None:
    network = build(config(classes=3))
    categories = [replace(c, id=i) for i, c in enumerate((CATEGORIES[1], CATEGORIES[0], CATEGORIES[0]), 1)]
    categories[2] = replace(categories[2], name="new")
    transfer_heads(tiny_checkpoint, network, categories)
    old, new = tiny_checkpoint.state, network.state_dict()
    scores, masks = "roi_heads.box_predictor.cls_score.weight", "roi_heads.mask_predictor.mask_fcn_logits.bias"
    for name in (scores, masks):
        assert torch.equal(new[name][0], old[name][0])
        assert torch.equal(new[name][1], old[name][2])
        assert torch.equal(new[name][2], old[name][1])
    torch.testing.assert_close(new[scores][3], old[scores][1:].mean(0))
    assert torch.equal(new[masks][3], old[masks][0])  # an object of whatever class
    name = "roi_heads.box_predictor.bbox_pred.weight"
    assert torch.equal(new[name][4:8], old[name][8:12])
    assert torch.equal(new["backbone.body.0.0.weight"], old["backbone.body.0.0.weight"])


@pytest.mark.parametrize(("head", "last"), [("mlp2", 5), ("mlp3", 7)])
def test_masks_of_fully_connected_heads_go_with_their_classes(head: str, last: int) -> None:
    torch.manual_seed(0)
    of_cells = build(config(mask_head=head))
    start = checkpoint.Checkpoint(of_cells.config, CATEGORIES, of_cells.state_dict())
    network = build(config(mask_head=head, classes=3))
    transfer_heads(start, network, [CATEGORIES[1], replace(CATEGORIES[0], name="new"), CATEGORIES[0]])
    for kind in ("weight", "bias"):
        name = f"roi_heads.mask_predictor.{last}.{kind}"
        old, new = start.state[name].unflatten(0, (3, -1)), network.state_dict()[name].unflatten(0, (4, -1))
        for row, source in ((0, 0), (1, 2), (2, 0), (3, 1)):
            assert torch.equal(new[row], old[source])
    other = build(config(mask_head="mlp2" if head == "mlp3" else "mlp3"))
    fresh = {name: value.clone() for name, value in other.state_dict().items()}
    transfer_heads(start, other, list(CATEGORIES))
    for name in (f"roi_heads.mask_predictor.{layer}.weight" for layer in (5, 7)):
        assert name not in fresh or torch.equal(other.state_dict()[name], fresh[name])


def test_offsets_that_are_alike_for_all_classes_move_as_they_are(tiny_checkpoint: Checkpoint) -> None:
    agnostic = build(config(box_agnostic=True))
    name = "roi_heads.box_predictor.bbox_pred.weight"
    before = agnostic.state_dict()[name].clone()
    transfer_heads(tiny_checkpoint, agnostic, list(CATEGORIES))  # from offsets of each class: nothing fits
    assert torch.equal(agnostic.state_dict()[name], before)
    start = replace(tiny_checkpoint, config=agnostic.config, state=agnostic.state_dict())
    scores = "roi_heads.box_predictor.cls_score.weight"
    network = build(config(classes=1, box_agnostic=True))
    transfer_heads(start, network, [CATEGORIES[1]])
    assert torch.equal(network.state_dict()[name], before)
    assert torch.equal(network.state_dict()[scores][1], start.state[scores][2])
    of_classes = build(config(classes=2))
    fresh = of_classes.state_dict()[name].clone()
    transfer_heads(start, of_classes, list(CATEGORIES))
    assert torch.equal(of_classes.state_dict()[name], fresh)


def test_a_mask_of_anything_starts_from_those_of_all_classes(tiny_checkpoint: Checkpoint) -> None:
    without = replace(tiny_checkpoint, config=replace(tiny_checkpoint.config, any_mask=False))
    network = build(config(classes=2))
    transfer_heads(without, network, list(without.categories))
    name = "roi_heads.mask_predictor.mask_fcn_logits.bias"
    torch.testing.assert_close(network.state_dict()[name][0], without.state[name][1:].mean(0))


def test_backbone_weights(tmp_path: Path) -> None:
    network = build(TINY)
    whole = {f"features.{name}": value + 1 for name, value in network.backbone.body.state_dict().items()}
    torch.save({**whole, "classifier.1.bias": torch.zeros(3)}, tmp_path / "a.pth")
    load_backbone(network, tmp_path / "a.pth")
    assert torch.equal(network.backbone.body.state_dict()["0.0.weight"], whole["features.0.0.weight"])
    del whole["features.0.0.weight"]
    torch.save(whole, tmp_path / "b.pth")
    (tmp_path / "c.pth").write_text("no weights")
    for name in ("b.pth", "c.pth", "none.pth"):
        with pytest.raises(weights.WeightsError, match="mobilenet_v2"):
            load_backbone(network, tmp_path / name)


def test_the_command_trains_from_weights_and_reports_json_lines(
    coco_file: Callable[..., Path], tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    annotations, output = coco_file(2), tmp_path / "out.safetensors"
    arguments = ["--train", str(annotations), "--val", str(annotations), "--weights", str(tiny_weights)]
    arguments += ["--output", str(output), "--epochs", "1", "--batch", "2", "--device", "cpu", "--json"]
    assert train.main(arguments) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [r["event"] for r in records] == ["start", "step", "epoch", "done"]
    assert set(records[2]["metrics"]) == {"box", "mask", "keypoints"}
    assert weights.load(output).metrics["box"].keys() >= {"AP", "AP50"}


def test_the_command_says_what_is_wrong(
    tmp_path: Path, coco_file: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    output = ["--output", str(tmp_path / "a.safetensors"), "--device", "cpu"]
    assert train.main(output) == 2
    assert "Nothing to train on" in capsys.readouterr().err
    assert train.main(["--train", str(tmp_path / "none.json"), *output]) == 2
    assert "none.json cannot be read" in capsys.readouterr().err
    assert train.main(["--train", str(coco_file(1)), "--weights", str(tmp_path / "w"), *output]) == 2
    assert "no weights" in capsys.readouterr().err
    assert train.main(["--train", str(tmp_path / "train" / "train.json"), "--output", "a.txt"]) == 2
    assert ".safetensors" in capsys.readouterr().err


def test_the_command_trains_any_member_of_the_family(
    coco_file: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.safetensors"
    arguments = ["--train", str(coco_file(1)), "--output", str(output), "--epochs", "1", "--batch", "1"]
    arguments += ["--device", "cpu", "--json"]
    wanted = {"features": "c5", "roi_layer": "warp", "mask_norm": "true", "keypoints": "0", "channels": "8"}
    wanted |= {"anchor_sizes": "[32, 64]", "rpn_nms": "0.6", "width": "0.35"}
    changes = [word for name, value in wanted.items() for word in ("--config", f"{name}={value}")]
    assert train.main(arguments + changes) == 0
    found = weights.load(output)
    assert (found.config.features, found.config.roi_layer, found.config.mask_norm) == ("c5", "warp", True)
    assert (found.config.anchor_sizes, found.config.rpn_nms, found.config.keypoints) == ((32, 64), 0.6, 0)
    assert not any(c.keypoint_names for c in found.categories)
    for wrong in ("backbone=vgg", "features", "channels=no", "keypoints=5", "speed=3"):
        assert train.main([*arguments, "--overwrite", "--config", wrong]) == 2
        assert "There is no such network: " in capsys.readouterr().err
