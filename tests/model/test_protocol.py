"""What a training process says, read."""

from __future__ import annotations

import argparse
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.commands import train
from model.protocol import (
    MAX_LINE,
    Difference,
    Done,
    Error,
    Estimate,
    Features,
    FineTuneOptions,
    Notice,
    Paused,
    Preview,
    Result,
    Resumed,
    Shown,
    Start,
    Step,
    Stopped,
    TrainingEvent,
    TrainStart,
    TrainStep,
    ValidationEvent,
    encode_event,
    read_event,
)


@pytest.mark.parametrize(
    ("record", "event"),
    [
        ({"event": "start", "photos": 5, "val": 1, "of_later": ["x"]}, Start(photos=5, val=1)),
        ({"event": "estimate", "seconds": 3}, Estimate(3.0)),
        ({"event": "features", "done": 1, "total": 2}, Features(1, 2)),
        (
            {"event": "step", "step": 4, "losses": {"box": 0.5, "mask": None}},
            Step(4, losses={"box": 0.5, "mask": None}),
        ),
        ({"event": "validation", "epoch": 0, "mask_ap": 0.5, "keypoint_ap": None}, ValidationEvent(0, mask_ap=0.5)),
        ({"event": "notice", "text": "t"}, Notice("t")),
        ({"event": "paused"}, Paused()),
        ({"event": "resumed"}, Resumed()),
        ({"event": "result", "better": True, "keypoint": None}, Result(better=True)),
        ({"event": "done", "output": "f"}, Done("f")),
        ({"event": "stopped", "resumable": True}, Stopped(resumable=True)),
        ({"event": "error", "text": "t"}, Error("t")),
    ],
)
def test_each_record_is_read_and_what_is_unknown_in_it_passed_over(record: dict, event: object) -> None:
    assert read_event(json.dumps(record).encode()) == event


def test_polygons_of_a_preview() -> None:
    found = [{"category": "cup", "score": 0.5, "polygons": [[[1, 2], [3, 4], [5, 6]]]}]
    event = read_event(json.dumps({"event": "preview", "photo": "a", "before": None, "after": found}).encode())
    assert isinstance(event, Preview)
    assert event.before is None
    assert event.after
    assert event.after[0].polygons == [[(1.0, 2.0), (3.0, 4.0), (5.0, 6.0)]]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"UserWarning: so what",
        b'{"event": "party"}',
        b'{"event": "estimate"}',
        b'{"event": "estimate", "seconds": NaN}',
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"event": "notice", "text": "' + b"x" * MAX_LINE + b'"}',
    ],
    ids=range(8),
)
def test_what_is_no_record_is_none(line: bytes) -> None:
    assert read_event(line) is None


@given(st.binary(max_size=200))
def test_no_line_raises(line: bytes) -> None:
    read_event(line)


@pytest.mark.parametrize(
    "event",
    [
        Start(photos=5, classes=["kötő"], kept_classes=["x"], learning_rate=0.1),
        Step(4, losses={"box": 0.5}, remaining=3.0),
        ValidationEvent(1, 0.5, 0.25),
        Preview("a", None, [Shown("cup", 0.5, [[(1.0, 2.0), (3.0, 4.0), (5.0, 6.0)]])]),
        Resumed(3, 1),
        Result(better=True, keypoint=Difference(0.1, 0.2, 0.1, 0.0, 0.3, 9), agreement={"cup": 1.0}),
        Done("f", "id", 3.0),
    ],
)
def test_what_a_process_writes_is_what_the_window_reads(event: TrainingEvent) -> None:
    line = encode_event(event)
    assert line.isascii()
    assert "\n" not in line
    assert read_event(line.encode()) == event


def test_a_training_on_many_files_writes_no_fields_of_fine_tuning() -> None:
    assert json.loads(encode_event(TrainStart(2, ["a"]))) == {"event": "start", "photos": 2, "classes": ["a"]}
    assert set(json.loads(encode_event(TrainStep(1)))) == {
        "event", "step", "epoch", "share", "seconds", "photos", "losses",
    }  # fmt: skip
    assert json.loads(encode_event(Done("f"))) == {"event": "done", "output": "f"}
    assert json.loads(encode_event(Resumed())) == {"event": "resumed"}


def test_the_options_of_the_window_are_those_of_the_command() -> None:
    chosen = FineTuneOptions(3, 0.01, "neck", forget=True, seed=2, workers=1)
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    args = parser.parse_args(["a.json", "--output", "b.safetensors", *chosen.arguments()])
    assert FineTuneOptions(**train._given(args, FineTuneOptions)) == chosen


def test_a_photo_whose_name_is_not_utf8_is_previewed() -> None:
    event = Preview("caf\udce9.png", [], [])
    assert read_event(encode_event(event).encode()) == event
