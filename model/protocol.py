"""The records of a training process: built by the process, one JSON object a line, and read by the window.

A record has its kind in the field `event`. The reader ignores unknown fields, so that a newer process can add some.
Polygons are rings [[x, y], ...] in pixels of the upright photo. No torch here: the window imports it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from dataset.json_text import RecordDecoder

MAX_LINE = 32 << 20
"""Bytes; a longer line is no record."""
Freeze = Literal["heads", "neck", "none"]
Augment = Literal["light", "full"]


@dataclass(frozen=True)
class FineTuneOptions:
    """What can be chosen for a fine-tuning run; None leaves the choice to the program, which follows the data."""

    epochs: int | None = None
    learning_rate: float | None = None
    freeze: Freeze | None = None
    """What is not trained: "heads" trains the heads only, "neck" also the FPN, "none" everything."""
    short_side: int | None = None
    """Pixels that the shorter side of a photo is scaled to."""
    augment: Augment | None = None
    """"light": few fixed variants of each photo; "full": another one in every epoch, with copy-paste."""
    forget: bool = False
    """Whether classes of the parent that the project lacks are given up."""
    device: str = "auto"
    """"auto", "cpu" or "cuda"."""
    minutes: float = 0.0
    """Train for this long instead of a number of epochs; 0: by epochs."""
    batch: int | None = None
    seed: int = 0
    workers: int = 0
    """Processes that load photos."""

    def arguments(self) -> list[str]:
        """Return the command's arguments for what differs from the defaults, and the device."""
        values = {name: getattr(self, name) for name in _NUMBERED}
        given = [(name, value) for name, value in values.items() if value != getattr(FineTuneOptions, name)]
        words = [word for name, value in given for word in (f"--{name.replace('_', '-')}", str(value))]
        return [*words, *(["--forget"] if self.forget else []), "--device", self.device]


_NUMBERED = ("epochs", "learning_rate", "freeze", "short_side", "augment", "minutes", "batch", "seed", "workers")


class TrainingEvent(msgspec.Struct, frozen=True, tag_field="event", tag=lambda name: name.lower()):
    """A record of a training process."""


class TrainStart(TrainingEvent, frozen=True, tag="start"):
    """The data are read, of training on any number of files."""

    photos: int = 0
    """Photos that are trained on."""
    classes: list[str] = []
    """Names."""


class Start(TrainStart, frozen=True, tag="start"):
    """The data are read, of fine-tuning on a project."""

    val: int = 0
    """Photos that measure."""
    kept_classes: list[str] = []
    """Classes of the parent that the project lacks and the network keeps."""
    new_classes: list[str] = []
    """Classes that the model in use does not know."""
    instances: dict[str, int] = {}
    """Number of objects by class."""
    device: str = ""
    folds: int = 1
    """1, or the number of parts where every photo is measured with in turn."""
    problems: list[str] = []
    """Sentences about the data."""
    epochs: int = 0
    learning_rate: float = 0.0
    freeze: str = ""
    short_side: int = 0
    batch: int = 0
    augment: str = ""


class Estimate(TrainingEvent, frozen=True):
    """Estimated seconds of the whole run."""

    seconds: float


class Features(TrainingEvent, frozen=True):
    """Number of variants of photos whose features are computed."""

    done: int
    total: int


class TrainStep(TrainingEvent, frozen=True, tag="step"):
    """A step of the optimiser is done."""

    step: int
    epoch: float = 0
    share: float = 0.0
    """Of the whole run, 0 to 1."""
    seconds: float = 0.0
    """Spent so far."""
    photos: int = 0
    """In the step."""
    losses: dict[str, float | None] = {}


class Step(TrainStep, frozen=True, tag="step"):
    """A step of fine-tuning is done."""

    remaining: float | None = None
    """Estimated seconds to the end of the run."""


class Epoch(TrainingEvent, frozen=True):
    """An epoch of training on any number of files is done."""

    epoch: int
    seconds: float
    metrics: dict[str, dict[str, float]] = {}
    """By kind (box, mask, keypoints) and name, of COCO's summary; empty where nothing is measured."""


class ValidationEvent(TrainingEvent, frozen=True, tag="validation"):
    """The model was measured after an epoch; 0 is the model in use. Average precisions, 0 to 1."""

    epoch: float
    share: float | None = None
    """Of the whole run that was done then, 0 to 1, where it is known."""
    mask_ap: float | None = None
    box_ap: float | None = None
    keypoint_ap: float | None = None


class Shown(msgspec.Struct, frozen=True):
    """A detection in a photo."""

    category: str = ""
    score: float = 0.0
    polygons: list[list[tuple[float, float]]] = []


class Preview(TrainingEvent, frozen=True):
    """Detections in a photo: of the model in use (`before`, the first time only), of the one in training (`after`)."""

    photo: str
    before: list[Shown] | None = None
    after: list[Shown] | None = None


class Notice(TrainingEvent, frozen=True):
    """A message for the person."""

    text: str


class Paused(TrainingEvent, frozen=True):
    """The run waits."""


class Resumed(TrainingEvent, frozen=True):
    """The run continues: after a pause, or, with `step` and `epoch`, from the state of an earlier process."""

    step: int | UnsetType = UNSET
    epoch: int | UnsetType = UNSET


class Difference(msgspec.Struct, frozen=True):
    """Average precision of two models on the same photos, with a 95 % interval of a paired bootstrap."""

    before: float
    after: float
    difference: float
    low: float
    high: float
    photos: int


class Result(TrainingEvent, frozen=True):
    """The new model compared with the one in use on the validation photos."""

    better: bool
    """Whether it is, as far as so few photos can show."""
    kind: str = "mask_ap"
    """The metric that decided."""
    before: float | None = None
    after: float | None = None
    difference: float | None = None
    low: float | None = None
    """Lower end of the 95 % interval of the difference, by a bootstrap over the photos."""
    high: float | None = None
    """Upper end."""
    photos: int = 0
    keypoint: Difference | None = None
    """The same of keypoints, where the project has some."""
    sentence: str = ""
    """All of that for people."""
    agreement: dict[str, float] = {}
    """By kept class, how far the two models agree on it where nothing is labelled, 0 to 1."""
    kept: str = ""
    """That for people."""


class Done(TrainingEvent, frozen=True):
    """The model is written."""

    output: str = ""
    id: str | UnsetType = UNSET
    """Digest of the model's weights, of fine-tuning."""
    seconds: float | UnsetType = UNSET


class Stopped(TrainingEvent, frozen=True):
    """The run ended early, on request."""

    resumable: bool = False


class Error(TrainingEvent, frozen=True):
    """The run failed; the message is for the person."""

    text: str


AnyEvent: TypeAlias = (
    Start
    | Estimate
    | Features
    | Step
    | ValidationEvent
    | Preview
    | Notice
    | Paused
    | Resumed
    | Result
    | Done
    | Stopped
    | Error
)

_strict_decoder = msgspec.json.Decoder(AnyEvent)
_decoder: RecordDecoder[AnyEvent] = RecordDecoder(AnyEvent)  # names of photos may be no UTF-8


def encode_event(event: TrainingEvent) -> str:
    """Return a record as one line of JSON, without its end; ASCII only, whatever the encoding of the stream is."""
    return json.dumps(msgspec.to_builtins(event))


def read_event(line: bytes) -> AnyEvent | None:
    """Return the record of a line, or None where it is none, such as a library's warning."""
    if len(line) > MAX_LINE:
        return None
    try:
        if b"NaN" in line or b"Infinity" in line:  # no JSON, though the decoder takes it from files of other tools
            return _strict_decoder.decode(line)
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
