"""The tasks of a Label Studio file: which of their annotations and predictions count, and what is left out."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

import msgspec

from dataset.coco.values import as_number
from dataset.formats.base import FormatError, read_bytes
from dataset.formats.label_studio.tasks import image_url
from dataset.i18n import plural, tr
from dataset.json_text import RecordDecoder, TextError, decode, decode_list, decode_object, to_utf8

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Mapping
    from pathlib import Path

MAX_BYTES = 512 << 20


class OmittedResult(Enum):
    """What of a file is left out."""

    KIND = "no region that has an inside"
    DAMAGED = "damaged"
    TURNED = "made on a turned image"
    PREDICTION = "predictions of a task but for the last"
    SECOND = "further annotations of a task"


class RegionResult(msgspec.Struct):
    """A result, mostly a region, as Label Studio has it; those of one id belong together."""

    id: str | int = ""
    type: str = ""
    value: dict[str, Any] = msgspec.field(default_factory=dict)
    from_name: str = ""
    original_width: Any = None
    original_height: Any = None
    image_rotation: float = 0
    parentID: str | int | None = None  # noqa: N815 - Label Studio's name
    origin: str = ""
    score: float | None = None


class LabelingTask(msgspec.Struct):
    """An image with what was made on it."""

    url: str
    results: list[RegionResult]
    predicted: list[RegionResult] = []
    """Of the last prediction: what nobody has accepted."""
    score: float | None = None
    """Of that prediction as a whole."""


_result_decoder = RecordDecoder(RegionResult)


def raw_tasks(source: Path) -> list[msgspec.Raw]:
    """Return the entries of a file.

    Raises:
        FormatError: It cannot be read, or holds no list.
    """
    try:
        data = to_utf8(read_bytes(source, MAX_BYTES), source)
        return decode_list(data)
    except TextError as error:
        raise FormatError(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(tr("{file} is not a file of Label Studio: {reason}.", file=source, reason=error)) from None


def read_task(raw: msgspec.Raw, counts: Counter[OmittedResult]) -> LabelingTask | None:
    """Return a task with the results of one of its annotations, None for other JSON."""
    try:
        fields = decode_object(raw)
        url = image_url(decode(fields["data"])) if "data" in fields else ""
        if not url:
            return None
        listed = decode_list(fields.get("annotations") or fields.get("completions") or b"[]")
        annotations = [decode_object(annotation) for annotation in listed]
        valid = [a for a in annotations if bytes(a.get("was_cancelled", b"")) != b"true"]
        counts[OmittedResult.SECOND] += max(len(valid) - 1, 0)
        true = [a for a in valid if bytes(a.get("ground_truth", b"")) == b"true"]
        predictions = [p for p in map(_prediction, decode_list(fields.get("predictions") or b"[]")) if p]
        counts[OmittedResult.PREDICTION] += sum(len(_listed(p, "result")) for p in predictions[:-1])
        results = _listed((true or valid)[-1], "result") if valid else []
        predicted = _listed(predictions[-1], "result") if predictions else []
        score = as_score(decode(predictions[-1].get("score") or b"null")) if predictions else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return LabelingTask(url, _results_of(results, counts), _results_of(predicted, counts), score)


def _prediction(raw: msgspec.Raw) -> Mapping[str, msgspec.Raw] | None:
    """Return the fields of a prediction; an export that was made small has a number in its place."""
    try:
        return decode_object(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _listed(fields: Mapping[str, msgspec.Raw], key: str) -> list[msgspec.Raw]:
    return decode_list(fields.get(key, b"[]"))


def _results_of(raws: Iterable[msgspec.Raw], counts: Counter[OmittedResult]) -> list[RegionResult]:
    found = []
    for result in raws:
        try:
            found.append(_result_decoder.decode(result))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            counts[OmittedResult.DAMAGED] += 1
    return found


def as_score(value: object) -> float | None:
    """Return a score from 0 to 1, None for everything else."""
    number = as_number(value)
    return number if number is not None and 0 <= number <= 1 else None


def sentences(counts: Counter[OmittedResult]) -> tuple[str, ...]:
    """Return what is said of what was left out."""
    kind, damaged, turned, prediction, second = (counts[left] for left in OmittedResult)
    said = (
        (kind, plural("{n:,} result is no region with an inside and is left out.",
                      "{n:,} results are no regions with an inside and are left out.", kind)),
        (damaged, plural("{n:,} region cannot be read and is left out.",
                         "{n:,} regions cannot be read and are left out.", damaged)),
        (turned, plural("{n:,} region was made on a rotated image and is left out.",
                        "{n:,} regions were made on rotated images and are left out.", turned)),
        (prediction, plural("{n:,} region of an earlier prediction of the same task is left out.",
                            "{n:,} regions of earlier predictions of the same tasks are left out.", prediction)),
        (second, plural("{n:,} further annotation of the same task is left out.",
                        "{n:,} further annotations of the same tasks are left out.", second)),
    )  # fmt: skip
    return tuple(sentence for count, sentence in said if count)
