"""What a training process says: one JSON object a line, read into typed records.

A record says what it is in its field `event`. Fields that we do not know are passed over, so that a newer process can
say more. Polygons are rings [[x, y], ...] in pixels of the upright photo.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

MAX_LINE = 32 << 20  # bytes: what is longer is not ours


class TrainingEvent(msgspec.Struct, frozen=True, tag_field="event", tag=lambda name: name.lower()):
    """Something that a training process says."""


class Start(TrainingEvent, frozen=True):
    """The data are read: what will be trained, and on what.

    Attributes:
        photos, val: How many photos it learns from, and is measured with.
        classes, new_classes: Names; the new ones are those that the model in use does not know.
        instances: How many objects each class has.
        folds: 1, or the number of parts when every photo is measured with in turn.
        problems: Sentences about the data.
    """

    photos: int = 0
    val: int = 0
    classes: list[str] = []
    new_classes: list[str] = []
    instances: dict[str, int] = {}
    freeze: str = ""
    short_side: int = 0
    batch: int = 0
    device: str = ""
    folds: int = 1
    problems: list[str] = []


class Estimate(TrainingEvent, frozen=True):
    """How many seconds the whole round takes, as far as can be told."""

    seconds: float


class Features(TrainingEvent, frozen=True):
    """How many photos' features are computed."""

    done: int
    total: int


class Step(TrainingEvent, frozen=True):
    """A step of the optimiser is done. `share` of the whole is 0 to 1, `seconds` spent and `remaining` are seconds."""

    step: int
    share: float = 0.0
    epoch: float = 0
    seconds: float = 0.0
    remaining: float | None = None
    photos: int = 0
    losses: dict[str, float | None] = {}


class ValidationEvent(TrainingEvent, frozen=True):
    """The model was measured after an epoch; 0 is the model in use. Average precisions, 0 to 1.

    `share` is how much of the whole round was done then, 0 to 1, where the process says so.
    """

    epoch: float
    share: float | None = None
    mask_ap: float | None = None
    box_ap: float | None = None
    keypoint_ap: float | None = None


class Shown(msgspec.Struct, frozen=True):
    """An object that a model sees in a photo."""

    category: str = ""
    score: float = 0.0
    polygons: list[list[tuple[float, float]]] = []


class Preview(TrainingEvent, frozen=True):
    """What the model in use (`before`, the first time only) and the model being trained (`after`) see in a photo."""

    photo: str
    before: list[Shown] | None = None
    after: list[Shown] | None = None


class Notice(TrainingEvent, frozen=True):
    """Something the person should know."""

    text: str


class Paused(TrainingEvent, frozen=True):
    """It waits."""


class Resumed(TrainingEvent, frozen=True):
    """It goes on."""


class Result(TrainingEvent, frozen=True):
    """The new model compared with the one in use on the validation photos.

    Attributes:
        better: Whether it is, as far as so few photos can tell.
        kind: Which figure decided, such as "mask_ap".
        before, after, difference: Of that figure.
        low, high: Between these the difference lies with 95%, as a bootstrap over the photos has it.
        photos: How many they are.
        sentence: All of that for people.
    """

    better: bool
    kind: str = "mask_ap"
    before: float | None = None
    after: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    photos: int = 0
    sentence: str = ""


class Done(TrainingEvent, frozen=True):
    """The model is written."""

    output: str = ""
    id: str = ""
    seconds: float = 0.0


class Stopped(TrainingEvent, frozen=True):
    """It has ended before its time, as it was told to."""

    resumable: bool = False


class Error(TrainingEvent, frozen=True):
    """It cannot go on; a sentence for people."""

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

_decoder = msgspec.json.Decoder(AnyEvent)


def read_event(line: bytes) -> AnyEvent | None:
    """The record of a line; None where it is none of ours, such as a library's warning."""
    if len(line) > MAX_LINE:
        return None
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
