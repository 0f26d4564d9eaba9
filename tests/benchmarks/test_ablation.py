"""The ablation: its tables can be built, a run of it works, and the page says what came out."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from benchmarks import ablation
from benchmarks.paper import trial
from benchmarks.paper.page import PROMPT, Results, page
from benchmarks.paper.tables import KINDS, TABLES, Variant, variants
from dataset.coco.reader import Source
from model.config import ModelConfig, TrainConfig
from model.network.backbone import classifier
from model.network.build import build
from tests.model.conftest import CATEGORIES, TINY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from model.data.batching import Batch

pytestmark = pytest.mark.usefixtures("repeatable")

C5, BOXES = Variant("mobilenet_v2", "C5, RoIPool"), Variant("mobilenet_v2", "FPN, keypoints and masks")


@pytest.fixture
def setup(coco_file: Callable[..., Path], tmp_path: Path) -> trial.Setup:
    torch.save(classifier("mobilenet_v2", TINY.width).state_dict(), tmp_path / "backbone.pth")
    data = trial.DataSet(Source(coco_file(2)), Source(coco_file(2, "val")))
    changes = {"box_batch": 8, "mask_batch": 4, "rpn_pre_nms": 30, "rpn_post_nms": 8}
    training = replace(TrainConfig(batch=2, scales=(64,), early_scales=(64,), warmup=1), **changes)
    return trial.Setup(
        data={"persons": data, "objects": data, "keypoints": data},
        model=replace(TINY, keypoints=0, rpn_post_nms=4, short_side=64),
        training=training,
        c4_box_batch=4,
        steps=3,
        base_steps=2,
        backbone=tmp_path / "backbone.pth",
        folder=tmp_path / "kept",
        device="cpu",
        threads=1,
        full=False,
    )


def test_every_row_of_the_tables_can_be_built() -> None:
    setup = ablation.setup_of(_arguments())
    for variant in variants(TABLES, full=False):
        with torch.device("meta"):
            build(setup.config_of(variant, list(CATEGORIES)))
    full = ablation.setup_of(_arguments("--full"))
    for variant in variants(TABLES, full=True):
        assert full.config_of(variant, list(CATEGORIES)).backbone == variant.backbone
    assert {row.kind for table in TABLES for row in table.rows} <= set(KINDS)
    assert len(variants(TABLES, full=False)) == 16


def test_joints_are_learned_on_larger_photos_at_reduced_size_only() -> None:
    masks, joints = Variant("mobilenet_v2", "FPN"), Variant("mobilenet_v2", "FPN, keypoints only")
    reduced, full = ablation.setup_of(_arguments()), ablation.setup_of(_arguments("--full"))
    sides = [setup.config_of(v, list(CATEGORIES)).short_side for setup in (reduced, full) for v in (masks, joints)]
    assert sides == [192, 256, 800, 800]
    assert [reduced.training_of(v, 0).scales for v in (masks, joints)] == [(192,), (256,)]
    assert full.training_of(joints, 0) == replace(full.training, seed=0)
    assert reduced.training_of(joints, 0).keypoint_weight == full.training.keypoint_weight == 1
    assert reduced.base_name(masks) == reduced.base_name(joints)


def test_the_page_names_the_options_that_made_it() -> None:
    plain = "python -m benchmarks.ablation --backbone-weights FILE --seeds 3"
    assert ablation.command_of(_arguments()) == plain
    asked = ("--steps", "2", "--batch", "1", "--half-pixel", "--res5-stride", "1")
    assert ablation.command_of(_arguments(*asked)) == f"{plain} {' '.join(asked)}"
    assert ablation.command_of(_arguments("--full")) == "python -m benchmarks.ablation --full --data COCO --seeds 3"


def test_nothing_but_the_papers_network_is_compared() -> None:
    """What the built-in model has beyond the paper would count in some rows, and not in others."""
    paper = ModelConfig()
    for model in (ablation.REDUCED_MODEL, ablation.FULL_MODEL):
        for field in ("any_mask", "fit_edges", "mask_score", "mask_norm", "box_agnostic", "box_head", "roi_half_pixel"):
            assert getattr(model, field) == getattr(paper, field), field
    setup = ablation.setup_of(_arguments("--half-pixel", "--res5-stride", "1"))
    assert (setup.model.roi_half_pixel, setup.model.res5_stride) == (True, 1)


def test_a_run_starts_from_the_common_start_and_is_measured(
    setup: trial.Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = {**KINDS[BOXES.kind].changes, "keypoints": 3}  # as many as the tiny photos have
    monkeypatch.setitem(KINDS, BOXES.kind, replace(KINDS[BOXES.kind], changes=points))
    record = ablation.RunLog(setup.folder / "reduced.jsonl")
    for variant, kinds in ((C5, {"box", "mask"}), (BOXES, {"box", "mask", "keypoints"})):
        trial.train_base(setup, variant)
        run = trial.run_trial(setup, variant, 0)
        assert {name.split()[0] for name in run["figures"]} == kinds
        assert set(run["matches"]) == kinds
        assert 0 <= run["figures"]["mask IoU in true boxes"] <= 100
        record.add(run)
    again = ablation.RunLog(record.file)
    with record.file.open("a") as file:
        file.write('{"fingerprint": "cut o')  # a kill in the middle of a line
    again.read()
    assert again.runs == record.runs
    found = again.of(setup, [C5, BOXES], full=False)
    assert [len(runs) for runs in found.runs.values()] == [1, 1]
    assert not again.of(replace(setup, steps=4), [C5], full=False).runs[str(C5)]


def test_the_common_start_is_shared_by_what_has_the_same_features(setup: trial.Setup) -> None:
    names = {kind: setup.base_name(Variant("mobilenet_v2", kind)) for kind in KINDS}
    assert names["FPN"] == names["FPN, MLP of two"] == names["FPN, keypoints only"]
    assert names["C5, RoIPool"] == names["C5, RoIAlign"] != names["C4"] != names["FPN"]
    assert names["C4, many classes"] != names["C4"]


def test_the_same_seed_gives_the_same_run(setup: trial.Setup) -> None:
    trial.train_base(setup, C5)
    one, other = (trial.run_trial(setup, C5, 1) for _ in range(2))
    assert one["figures"] == other["figures"]
    assert one["matches"] == other["matches"]


def test_a_killed_run_goes_on_where_its_state_was_saved(setup: trial.Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "SAVE_SECONDS", 0)  # after every step
    taken: list[int] = []
    step = trial.FixedSteps.step

    def counted(self: trial.FixedSteps, batch: Batch) -> dict[str, float]:
        if len(taken) == 2:
            taken.append(0)
            raise KeyboardInterrupt
        taken.append(self.progress.step)
        return step(self, batch)

    setup = replace(setup, base_steps=0)
    monkeypatch.setattr(trial.FixedSteps, "step", counted)
    with pytest.raises(KeyboardInterrupt):
        trial.run_trial(setup, C5, 0)
    assert len(list(setup.folder.iterdir())) == 1
    assert trial.run_trial(setup, C5, 0)["figures"]
    assert taken == [0, 1, 0, 2]
    assert list(setup.folder.iterdir()) == []


def test_photos_that_are_held_out_are_measured_on_and_not_learned_from(
    coco_file: Callable[..., Path], tmp_path: Path
) -> None:
    data = trial.DataSet(Source(coco_file(5)), Source(coco_file(2, "val")), held_out=2)
    val = json.loads(data.val.annotations.read_text())
    for number, image in enumerate(val["images"]):
        image["id"] += 1000
        for annotation in val["annotations"]:
            if annotation["image_id"] == number + 1:
                annotation["image_id"] += 1000
    data.val.annotations.write_text(json.dumps(val))
    learned = {photo.path.name for photo in trial._photos(data)[1]}
    measured = trial._measured(data)
    names = [image["file_name"] for image in json.loads(data.train.annotations.read_text())["images"]]
    assert learned == set(names[::2])
    assert [image["file_name"] for image in measured["images"][-2:]] == names[1::2]
    assert len(measured["images"]) == 4
    ids = {annotation["image_id"] for annotation in measured["annotations"]}
    assert ids == {image["id"] for image in measured["images"]}
    assert len({annotation["id"] for annotation in measured["annotations"]}) == len(measured["annotations"])


def test_the_page_says_whether_the_order_holds() -> None:
    def run(hits: int, seed: int) -> dict[str, object]:
        photos = list(range(20))
        table = {
            "category": [0] * 20,
            "photo": photos,
            "score": [1 - p / 100 for p in photos],
            "hit": [1023 if p < hits else 0 for p in photos],
            "ignored": [0] * 20,
            "objects": [[1] * 20],
        }
        figures = {f"{kind} {name}": 5.0 * hits for kind in ("mask", "box") for name in ("AP", "AP50", "AP75")}
        overlaps = {"total": [hits / 20] * 20, "count": [1] * 20}
        figures[PROMPT] = 5.0 * hits
        return {"seed": seed, "figures": figures, "matches": {"mask": table, "box": table}, "overlaps": overlaps}

    runs = {"mobilenet_v2 C5, RoIPool": [run(4, s) for s in range(2)]}
    runs["mobilenet_v2 C5, RoIAlign"] = [run(12 + s, s) for s in range(2)]
    (table,) = (t for t in TABLES if t.name == "2d")
    text = page(["# Title"], Results(runs, full=False), [table], draws=40)
    assert "| RoIAlign | 30.9 | 62.5 ± 3.5 |" in text
    assert "mask AP: RoIAlign over RoIPool, +7.3: +42.5" in text
    assert text.count("**holds**; 2 and 2 runs") == 6  # mask, box and IoU, in the summary and below the table
    assert "mask IoU in true boxes: RoIAlign over RoIPool: +42.5 (95%: +40.0 to +45.0)" in text
    turned = {k: v for (k, _), v in zip(runs.items(), reversed(runs.values()), strict=True)}
    assert "**reversed**; 2 and 2 runs" in page(["# Title"], Results(turned, full=False), [table], draws=40)
    same = dict.fromkeys(runs, next(iter(runs.values())))
    text = page(["# Title"], Results(same, full=False), [table], draws=40)
    assert "+0.0 (95%: +0.0 to +0.0), undecided; 2 and 2 runs" in text
    assert "nothing to compare" in page(["# Title"], Results({}, full=False), [table])


def _arguments(*given: str) -> ablation.argparse.Namespace:
    parser = ablation.argparse.ArgumentParser()
    ablation.add_arguments(parser)
    return parser.parse_args(given)
