from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from msgspec import to_builtins

import main
from dataset.coco.categories import Category
from model.checkpoints import weights
from model.checkpoints.checkpoint import Checkpoint
from model.checkpoints.lineage import lineage
from model.commands import train
from model.evaluation.score_calibration import calibrate_scores
from model.finetuning import fine_tuner, finetune
from model.finetuning.class_mapping import ClassMapping
from model.finetuning.hyperparameters import Hyperparameters
from model.finetuning.pseudo_labels import teacher_of
from model.inference.predictor import Predictor
from model.training import early_stopping
from model.training.control import Control
from model.training.trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.graphs.rounding import Comparison
    from model.protocol import TrainingEvent

pytestmark = pytest.mark.usefixtures("repeatable", "short_rounds")


def arguments(annotations: Path, parent: Path, output: Path, *more: str) -> list[str]:
    options = ["--from", str(parent), "--output", str(output), "--device", "cpu", "--short-side", "64", "--json"]
    return [str(annotations), *options, "--epochs", "2", *more]


def run(capsys: pytest.CaptureFixture[str], *given: Any) -> list[dict[str, Any]]:
    assert train.main(arguments(*given)) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def of(records: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [r for r in records if r["event"] == event]


def with_new_class(path: Path) -> Path:
    data = json.loads(path.read_text())
    data["categories"][1]["name"] = "parcel"
    path.write_text(json.dumps(data))
    return path


def test_a_round_with_a_split(
    coco_file: Callable[..., Path],
    parent: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    annotations, split = with_new_class(coco_file(11)), tmp_path / "split.json"
    output = tmp_path / "models" / "round-001.safetensors"
    judged: list[Comparison] = []

    def judge_graphs(made: Path, photos: list[Any], judge: Callable[..., Comparison]) -> None:
        assert photos == [], "nine photos are too few to calibrate on"
        judged.append(judge(Predictor(made, "cpu"), Predictor(parent, "cpu")))

    monkeypatch.setattr(finetune, "prepare_graphs", judge_graphs)
    monkeypatch.delenv("ANNOTATOR_PREPARE")
    records = run(capsys, annotations, parent, output, "--split", str(split), "--freeze", "neck")
    (start,) = of(records, "start")
    assert (start["photos"], start["val"], start["folds"]) == (9, 2, 1)
    assert start["classes"] == ["person", "parcel"]
    assert start["new_classes"] == ["parcel"]
    assert start["kept_classes"] == ["box"]
    assert start["instances"] == {"person": 11, "parcel": 11}
    assert (start["freeze"], start["short_side"], start["problems"]) == ("neck", 64, [])
    assert of(records, "features")[-1]["done"] == of(records, "features")[-1]["total"] == 9
    steps = of(records, "step")
    assert [s["step"] for s in steps] == [1, 2, 3, 4, 5, 6]
    assert steps[-1]["share"] == 1
    assert set(steps[0]["losses"]) == {"rpn_objectness", "rpn_box", "class", "box", "mask", "keypoint"}
    assert of(records, "estimate")[0]["seconds"] > 0
    validations = of(records, "validation")
    assert validations[0]["epoch"] == 0
    assert [v["epoch"] for v in validations] == [0, 1, 2]
    assert {"mask_ap", "box_ap", "keypoint_ap"} <= set(validations[0])
    previews = of(records, "preview")
    assert previews[0]["before"] is not None
    assert previews[-1]["before"] is None
    (result,), (done,) = of(records, "result"), of(records, "done")
    assert result["photos"] == 2
    assert result["low"] <= result["difference"] <= result["high"]
    assert "2 photos" in result["sentence"]
    new = weights.load(output)
    assert new.digest() == done["id"]
    assert [c.name for c in new.categories] == ["person", "parcel", "box"]
    old = weights.load(parent)
    assert all(
        torch.equal(new.state[n], value.half()) for n, value in old.state.items() if "body" in n and "num" not in n
    )
    name = "backbone.fpn.layer_blocks.0.0.weight"
    assert not torch.equal(new.state[name], old.state[name].half())
    (record,) = lineage(output.parent)
    assert (record.name, record.parent, record.photos) == ("round-001", old.digest(), 9)
    assert len(record.annotations) == 11
    assert record.result["sentence"] == result["sentence"]
    assert record.settings["freeze"] == "neck"
    assert set(json.loads(split.read_text()).values()) == {"train", "val"}
    assert not output.with_suffix(".resume").exists()
    (made,) = judged
    assert "mask AP" in made.why, "8 bits are judged on the validation photos"


@pytest.mark.parametrize(("option", "moved"), [((), False), (("--forget",), True)])
def test_classes_without_labels_hold_the_weights_back(
    option: tuple[str, ...],
    *,
    moved: bool,
    coco_file: Callable[..., Path],
    parent: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(finetune, "INTERPOLATION", 0.0)
    output = tmp_path / "a.safetensors"
    run(capsys, with_new_class(coco_file(1)), parent, output, "--freeze", "neck", *option)
    name = "backbone.fpn.layer_blocks.0.0.weight"
    assert torch.equal(weights.load(output).state[name], weights.load(parent).state[name].half()) != moved


def test_few_photos_take_turns(
    coco_file: Callable[..., Path], parent: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = run(capsys, coco_file(4), parent, tmp_path / "a.safetensors", "--epochs", "1")
    (start,) = of(records, "start")
    assert (start["photos"], start["val"], start["folds"], start["freeze"]) == (4, 4, 3, "heads")
    shares = [s["share"] for s in of(records, "step")]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    steps = of(records, "step")
    for field in ("step", "epoch", "seconds"):  # the models that take turns are one round
        values = [s[field] for s in steps]
        assert values == sorted(values)
        assert len(set(values)) > 1
    assert [(v["epoch"], v["share"]) for v in of(records, "validation")] == [(0, 0), (3, 0.75)]
    first = of(records, "preview")[: len(of(records, "preview")) // 2]
    assert sorted(p["photo"] for p in of(records, "preview") if p["before"] is None) == sorted(
        p["photo"] for p in first
    )
    assert of(records, "result")[0]["photos"] == 4
    new, old = weights.load(tmp_path / "a.safetensors").state, weights.load(parent).state
    name = "backbone.fpn.layer_blocks.0.0.weight"
    assert torch.equal(new[name], old[name].half())
    name = "rpn.head.cls_logits.weight"
    assert not torch.equal(new[name], old[name].half())


def test_a_class_of_one_fold_is_not_measured(
    coco_file: Callable[..., Path],
    parent: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    truths: list[dict[str, Any]] = []

    def calibrate(model: Checkpoint, results: list[dict[str, Any]], data: dict[str, Any]) -> Checkpoint:
        truths.append(data)
        return calibrate_scores(model, results, data)

    monkeypatch.setattr(finetune, "calibrate_scores", calibrate)
    annotations = coco_file(4)
    data = json.loads(annotations.read_text())
    everything = data["annotations"]
    data["annotations"] = [a for a in everything if a["category_id"] == 1 or a["image_id"] == 1]
    annotations.write_text(json.dumps(data))
    records = run(capsys, annotations, parent, tmp_path / "a.safetensors", "--epochs", "1")
    (result,), (truth,) = of(records, "result"), truths
    assert (result["photos"], len(truth["images"])) == (4, 4)
    assert result["after"] is not None
    assert [c["name"] for c in truth["categories"]] == ["person"]
    assert {a["category_id"] for a in truth["annotations"]} == {1}

    data["annotations"] = [a for a in everything if (a["category_id"] == 1) == (a["image_id"] == 1)]
    data["annotations"] = [a for a in data["annotations"] if a["image_id"] <= 2]
    annotations.write_text(json.dumps(data))
    (result,) = of(run(capsys, annotations, parent, tmp_path / "b.safetensors", "--epochs", "1"), "result")
    assert result["after"] is None
    assert "too few" in result["sentence"]
    assert (tmp_path / "b.safetensors").exists()


def test_a_single_photo_trains_and_nothing_is_claimed(
    coco_file: Callable[..., Path], parent: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "a.safetensors"
    records = run(capsys, coco_file(1), parent, output, "--freeze", "none", "--forget")
    (result,) = of(records, "result")
    assert result["better"] is False
    assert result["after"] is None
    assert "too few" in result["sentence"]
    assert output.exists()


class Script:
    """Gives orders when events come, as a person at the window does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, orders: dict[str, str]) -> None:
        self.events: list[dict[str, Any]] = []
        self.orders = dict(orders)
        self.control: Control | None = None
        script = self

        def listening(on_event: Callable[[TrainingEvent], None], _: int | None = None) -> Any:
            control = Control(on_event)
            script.control = control
            control.order(script.orders.pop("at once", "go"))
            return control

        monkeypatch.setattr(train, "Control", listening)
        monkeypatch.setattr(train.console, "event_writer", lambda **_: self.take)

    def take(self, event: TrainingEvent) -> None:
        record = to_builtins(event)
        self.events.append(record)
        for key in (record["event"], f"{record['event']} {record.get('step', record.get('epoch'))}"):
            if key in self.orders:
                assert self.control is not None
                self.control.order(self.orders.pop(key))


def test_quit_and_resume_give_what_one_run_gives(
    coco_file: Callable[..., Path], parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    annotations = coco_file(11)
    whole = Script(monkeypatch, {})
    more = ["--split", str(tmp_path / "split.json"), "--cache", str(tmp_path / "cache")]
    assert train.main(arguments(annotations, parent, tmp_path / "whole.safetensors", *more)) == 0
    first = Script(monkeypatch, {"step 4": "quit"})
    parts = arguments(annotations, parent, tmp_path / "parts.safetensors", *more)
    assert train.main(parts) == 0
    assert first.events[-1] == {"event": "stopped", "resumable": True}
    assert (tmp_path / "parts.resume").exists()
    assert not (tmp_path / "parts.safetensors").exists()
    for early in ("at once", "start"):  # told to quit again before it has come to where it was: nothing is lost
        between = Script(monkeypatch, {early: "quit"})
        assert train.main([*parts, "--resume"]) == 0
        assert between.events[-1] == {"event": "stopped", "resumable": True}
    second = Script(monkeypatch, {"step 5": "pause", "paused": "resume"})
    assert train.main([*parts, "--resume"]) == 0
    assert [e["step"] for e in of(second.events, "step")] == [5, 6]
    assert of(second.events, "resumed")
    one, other = (weights.load(tmp_path / f"{name}.safetensors").state for name in ("whole", "parts"))
    for name, value in one.items():
        assert torch.equal(value, other[name]), name
    assert of(whole.events, "result")[0] == of(second.events, "result")[0]


@pytest.mark.slow
def test_quit_within_the_folds_and_resume(
    coco_file: Callable[..., Path], parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = arguments(coco_file(2), parent, tmp_path / "a.safetensors", "--cache", str(tmp_path / "cache"))
    first = Script(monkeypatch, {"validation": "go", "step 2": "quit"})
    assert train.main(given) == 0
    done = len(of(first.events, "step"))
    second = Script(monkeypatch, {})
    assert train.main([*given, "--resume"]) == 0
    assert done + len(of(second.events, "step")) == 3 * 2
    assert of(second.events, "result")[0]["photos"] == 2
    changed = json.loads(Path(given[0]).read_text())
    changed["annotations"].pop()
    Path(given[0]).write_text(json.dumps(changed))
    Script(monkeypatch, {"step 1": "quit"})
    assert train.main([*given, "--overwrite"]) == 0
    changed["annotations"].pop()
    Path(given[0]).write_text(json.dumps(changed))
    third = Script(monkeypatch, {})
    assert train.main([*given, "--resume"]) == 0
    assert "starts anew" in of(third.events, "notice")[0]["text"]


@pytest.mark.parametrize("photos", [11, 3])
def test_stop_finishes_with_what_there_is(
    photos: int, coco_file: Callable[..., Path], parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script(monkeypatch, {"step 2": "stop"})
    output = tmp_path / "a.safetensors"
    assert train.main(arguments(coco_file(photos), parent, output, "--epochs", "9")) == 0
    assert len(of(script.events, "step")) == 2
    assert of(script.events, "result")[0]["photos"] in (1, 2)
    assert script.events[-1]["event"] == "done"
    assert output.exists()


@pytest.mark.parametrize(
    ("photos", "moment", "measured"),
    [
        pytest.param(11, "validation 2", 2, id="within the last detections"),
        pytest.param(3, "step 2", 1, id="within the detections of a fold"),
        pytest.param(3, "validation 6", 3, id="before the first step of the last model"),
    ],
)
def test_stop_after_a_model_is_trained_keeps_it(
    photos: int,
    moment: str,
    measured: int,
    coco_file: Callable[..., Path],
    parent: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = Script(monkeypatch, {moment: "stop"})
    output = tmp_path / "a.safetensors"
    assert train.main(arguments(coco_file(photos), parent, output)) == 0
    assert not script.orders
    assert len(of(script.events, "step")) == (2 if moment == "step 2" else 6)
    assert of(script.events, "result")[0]["photos"] == measured
    assert script.events[-1]["event"] == "done"
    assert output.exists()


def test_quit_within_the_last_detections_is_gone_on_from(
    coco_file: Callable[..., Path], parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "a.safetensors"
    given = arguments(coco_file(11), parent, output, "--split", str(tmp_path / "split.json"))
    first = Script(monkeypatch, {"validation 2": "quit"})
    assert train.main(given) == 0
    assert first.events[-1] == {"event": "stopped", "resumable": True}
    second = Script(monkeypatch, {})
    assert train.main([*given, "--resume"]) == 0
    assert not of(second.events, "step")
    assert of(second.events, "result")[0]["photos"] == 2


def test_stop_before_there_is_anything(
    coco_file: Callable[..., Path], parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script(monkeypatch, {"features": "stop"})
    assert train.main(arguments(coco_file(3), parent, tmp_path / "a.safetensors")) == 0
    assert script.events[-1] == {"event": "stopped", "resumable": False}
    assert not (tmp_path / "a.safetensors").exists()


def _give_memory_for_one_photo(patch: pytest.MonkeyPatch) -> None:
    true = Trainer.step

    def step(self: Trainer, batch: Any) -> dict[str, float]:
        if len(batch.names) > 1:
            raise torch.OutOfMemoryError("no memory")
        return true(self, batch)

    patch.setattr(Trainer, "step", step)


def test_too_little_memory_is_met_with_smaller_settings(
    coco_file: Callable[..., Path], parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _give_memory_for_one_photo(monkeypatch)
    script = Script(monkeypatch, {})
    given = arguments(coco_file(2), parent, tmp_path / "a.safetensors", "--freeze", "none", "--epochs", "1")
    assert train.main(given) == 0
    notices = of(script.events, "notice")
    assert ["2 photos at a time" in notices[0]["text"], "1 photos at a time" in notices[1]["text"]] == [True, True]
    assert of(script.events, "result")

    def never(*_: object) -> dict[str, float]:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried")

    monkeypatch.setattr(Trainer, "step", never)
    failing = Script(monkeypatch, {})
    assert train.main([*given, "--overwrite"]) == 2
    assert "memory does not suffice" in of(failing.events, "error")[0]["text"]


def test_smaller_settings_are_gone_on_with(
    coco_file: Callable[..., Path], parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    annotations, split = coco_file(11), ["--split", str(tmp_path / "split.json")]
    given = arguments(annotations, parent, tmp_path / "a.safetensors", *split, "--freeze", "heads")
    with monkeypatch.context() as patch:
        _give_memory_for_one_photo(patch)
        Script(patch, {"step 7": "quit"})
        assert train.main(given) == 0
    state = (tmp_path / "a.resume").read_bytes()
    second = Script(monkeypatch, {})
    assert train.main([*given, "--resume"]) == 0
    assert [e["step"] for e in of(second.events, "step")] == list(range(8, 19)), "nine photos twice, one by one"
    assert not of(second.events, "notice")
    output = weights.load(tmp_path / "a.safetensors")
    assert output.metrics["lineage"]["settings"]["batch"] == 1

    smaller = Hyperparameters.smaller
    (tmp_path / "a.resume").write_bytes(state)
    (tmp_path / "a.safetensors").unlink()
    monkeypatch.setattr(Hyperparameters, "smaller", lambda self: None if self.train.batch == 2 else smaller(self))
    third = Script(monkeypatch, {})
    assert train.main([*given, "--resume"]) == 0
    assert "starts anew" in of(third.events, "notice")[0]["text"]
    assert len(of(third.events, "step")) == 6


def test_the_short_side_shrinks_when_a_single_photo_is_too_much() -> None:
    settings = Hyperparameters(
        train.TrainConfig(batch=1, scales=(384,)), "light", {"short_side": 384, "long_side": 640}
    )
    smaller = settings.smaller()
    assert smaller is not None
    assert smaller.record()["short_side"] == 320
    assert smaller.network["long_side"] == 533
    assert Hyperparameters(train.TrainConfig(batch=1, scales=(192,)), "light", {"short_side": 192}).smaller() is None


def test_training_ends_early_when_nothing_gets_better(
    coco_file: Callable[..., Path], parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    falling = iter(range(100, 0, -1))
    monkeypatch.setattr(finetune.Metrics, "score", lambda _: float(next(falling)))
    monkeypatch.setattr(fine_tuner, "VALIDATIONS", 6)
    monkeypatch.setattr(early_stopping, "PATIENCE", 1)
    script = Script(monkeypatch, {})
    given = arguments(coco_file(11), parent, tmp_path / "a.safetensors", "--epochs", "2", "--freeze", "heads")
    assert train.main(given) == 0
    examined = [v["epoch"] for v in of(script.events, "validation")]
    assert len(examined) == 1 + 1 + 1
    assert of(script.events, "step")[-1]["step"] == 2


def test_what_cannot_be_trained_is_one_sentence(
    coco_file: Callable[..., Path], parent: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    annotations = coco_file(2)
    output = tmp_path / "a.safetensors"

    def fails(*given: str) -> str:
        assert train.main(list(given)) == 2
        captured = capsys.readouterr()
        told = json.loads(captured.out.splitlines()[-1])
        assert told["event"] == "error"
        assert told["text"] in captured.err
        return told["text"]

    assert "cannot be read" in fails(*arguments(tmp_path / "none.json", parent, output))
    assert "no weights" in fails(*arguments(annotations, tmp_path / "none.safetensors", output))
    assert "two models" in fails(str(annotations), "--from", "coco+coco-keypoints", "--output", str(output), "--json")
    assert ".safetensors" in fails(str(annotations), "--output", "a.txt", "--json")
    assert "is the model to improve" in fails(*arguments(annotations, parent, parent))
    assert "leave out" in fails(*arguments(annotations, parent, output, "--weights", "builtin"))
    (tmp_path / "damaged.safetensors").write_bytes(parent.read_bytes()[:5000])
    assert "part of it is missing" in fails(*arguments(annotations, tmp_path / "damaged.safetensors", output))


@pytest.mark.parametrize("lines", [["--json"], []])
def test_a_round_goes_on_when_nobody_listens_any_more(
    coco_file: Callable[..., Path], parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    end, begin = os.pipe()
    os.close(end)
    listener = os.fdopen(begin, "w")
    monkeypatch.setattr(sys, "stdout", listener)
    given = arguments(coco_file(1), parent, tmp_path / "a.safetensors", "--epochs", "1")
    assert train.main([*(a for a in given if a != "--json"), *lines]) == 0
    sys.stdout.close()
    with pytest.raises(BrokenPipeError):
        listener.close()
    assert (tmp_path / "a.safetensors").exists()


def test_people_read_sentences(
    coco_file: Callable[..., Path], parent: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [a for a in arguments(coco_file(3), parent, tmp_path / "a.safetensors") if a != "--json"]
    assert main.main(["train", *given]) == 0
    text = capsys.readouterr().out
    assert "Training on 3 photos: person, box" in text
    assert "Before training: mask AP" in text
    assert "Done:" in text


def test_the_process_listens_to_its_standard_input(
    coco_file: Callable[..., Path], parent: Path, tmp_path: Path
) -> None:
    given = arguments(coco_file(3), parent, tmp_path / "a.safetensors", "--epochs", "90")
    command = [sys.executable, "-m", "model.commands.train", *given, "--threads", "1"]
    root = Path(__file__).resolve().parents[3]
    with subprocess.Popen(
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ},
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        events = []
        for line in process.stdout:
            events.append(json.loads(line)["event"])
            if events[-1] == "step" and "paused" not in events:
                process.stdin.write("pause\n")
                process.stdin.flush()
            if events[-1] == "paused":
                process.stdin.write("resume\nquit\n")
                process.stdin.flush()
        assert process.wait(timeout=60) == 0
    assert events[-1] == "stopped"
    assert (tmp_path / "a.resume").exists()


def test_the_builtin_model_teaches_what_it_knows_so_that_rounds_do_not_add_up(tiny_checkpoint: Checkpoint) -> None:
    balloon, person, box = Category(1, "balloon"), Category(2, "Person"), Category(3, "box")
    known = teacher_of(tiny_checkpoint, ClassMapping((balloon, person), 1, (None, 1), ("balloon",)))
    assert known.digest() == weights.load("builtin").digest()
    for classes in (
        ClassMapping((balloon, person, box), 1, (None, 1, 2), ("balloon",)),
        ClassMapping((balloon,), 1, (None,), ()),
    ):
        assert teacher_of(tiny_checkpoint, classes) is tiny_checkpoint
