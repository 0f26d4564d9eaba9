"""A project's own models, and the round of fine-tuning that is under way: plain files in the private folder.

`models/NAME.safetensors` are the models and `models/in_use` names the one in use; `training/` holds what a round learns
from and `run.json`, which is there from its start to its end, so that what was interrupted can go on.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from annotator.core.training_set import encode_coco
from dataset.atomic_files import remove_leftovers, replace_file
from dataset.json_text import RecordDecoder, encode
from dataset.regular_files import open_regular, read_regular

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from annotator.core.training_set import TrainingPhoto
    from dataset.coco.categories import Category

SUFFIX = ".safetensors"
BUILTIN = "builtin"

_ROUND = re.compile(r"round-(\d{3,})")
_MAX_BYTES = 4096  # bytes of `in_use` that are read


def is_round(name: str) -> bool:
    """Return whether a model of that name is one of the project's own."""
    return _ROUND.fullmatch(name) is not None


def weights_file(weights: str) -> Path | None:
    """Return the file that weights are read from; None for those that have a name, or are two."""
    return Path(weights).absolute() if weights.endswith(SUFFIX) and "+" not in weights else None


class TrainingRun(msgspec.Struct, frozen=True):
    """A round of fine-tuning, as `run.json` keeps it."""

    name: str
    """What its model will be called."""
    arguments: list[str]
    """The command's, without `--resume`."""
    photos: int = 0
    """How many photos it learns from and is measured with."""
    process: int = 0
    """The id of the process, 0 while there is none."""


class TrainingRuns:
    """The models and the round of one project. Its methods read and write the disk: they are for a thread."""

    def __init__(self, private: Path) -> None:
        """Read what there is; what is damaged counts as absent."""
        self.models = private / "models"
        """The folder of the models."""
        self.training = private / "training"
        """The folder of the round under way."""
        self.in_use = self._read_in_use()
        """The project's model: the name of a round, "builtin", "coco" or a file; "" where none was ever chosen."""
        self.run = self._read_run()
        """The round that was begun and has not ended."""

    def remove_leftovers(self) -> None:
        """Remove what a writer that was killed left; only for whoever has the project open, as it may be writing."""
        for path in (self.models / "in_use", self.training / "run.json", self.snapshot, self.estimate_input):
            remove_leftovers(path)

    # Models

    def file(self, name: str) -> Path:
        """Return where the model of a round is, or will be."""
        return self.models / f"{name}{SUFFIX}"

    @property
    def weights(self) -> str:
        """The project's model as the worker takes it: a name or a path; "" where none was ever chosen."""
        return str(self.file(self.in_use)) if is_round(self.in_use) else self.in_use

    def name_of(self, weights: str) -> str:
        """Return what weights go by in `in_use`: a round by its name, so that the folder can be moved."""
        name = Path(weights).stem
        return name if is_round(name) and weights == str(self.file(name)) else weights

    def names(self) -> list[str]:
        """Return the rounds that have a model, the oldest first."""
        with contextlib.suppress(OSError):
            found = [path.stem for path in self.models.glob(f"round-*{SUFFIX}") if _ROUND.fullmatch(path.stem)]
            return sorted(found, key=lambda name: int(name.removeprefix("round-")))
        return []

    def next_name(self) -> str:
        """Return a name that no round of this project has had, as far as its files show."""
        taken = [*self.names(), self.in_use, self.run.name if self.run else ""]
        last = max((int(found[1]) for name in taken if (found := _ROUND.fullmatch(name))), default=0)
        return f"round-{last + 1:03}"

    def use(self, weights: str) -> None:
        """Put down which model the project uses from now on. OSError if that cannot be written."""
        name = self.name_of(weights)
        self.models.mkdir(parents=True, exist_ok=True)
        _write(self.models / "in_use", os.fsencode(name))
        self.in_use = name

    def remove(self, name: str) -> None:
        """Delete a model, and what its round has left beside it. OSError if that cannot be done."""
        if not _ROUND.fullmatch(name):
            raise ValueError(f"{name} is not the name of a round.")
        for path in [*self.models.glob(f"{name}.*"), *self.models.glob(f".{name}.*")]:
            path.unlink(missing_ok=True)

    # The round under way

    def is_saved(self, name: str) -> bool:
        """Return whether a round that was interrupted has saved something to go on from."""
        with contextlib.suppress(OSError):
            return self.file(name).with_suffix(".resume").is_file()
        return False

    def begin(self, run: TrainingRun, photos: Sequence[TrainingPhoto], categories: Iterable[Category]) -> None:
        """Write what a round learns from, then that it is under way. OSError or ValueError if that cannot be done."""
        self.models.mkdir(parents=True, exist_ok=True)
        self.training.mkdir(parents=True, exist_ok=True)
        _write(self.snapshot, encode_coco(photos, categories))
        self.save(run)

    def write_estimate_input(self, photos: Sequence[TrainingPhoto], categories: Iterable[Category]) -> None:
        """Write what a round would learn from, so that its time can be measured. OSError if that cannot be done."""
        self.training.mkdir(parents=True, exist_ok=True)
        _write(self.estimate_input, encode_coco(photos, categories))

    def remove_estimate_input(self) -> None:
        """Delete what was written to measure a round's time. OSErrors pass through."""
        self.estimate_input.unlink(missing_ok=True)

    @property
    def estimate_input(self) -> Path:
        """The COCO file of what a round would learn from."""
        return self.training / "forecast.json"

    @property
    def snapshot(self) -> Path:
        """The COCO file of what the round learns from."""
        return self.training / "annotations.json"

    def save(self, run: TrainingRun) -> None:
        """Write down how far a round is. OSError if that cannot be done."""
        _write(self.training / "run.json", encode(run))
        self.run = run

    def end(self, *, discard: bool = False) -> None:
        """The round is over: forget how to go on, and its model too with `discard`. OSErrors pass through."""
        run, self.run = self.run, None
        (self.training / "run.json").unlink(missing_ok=True)
        self.snapshot.unlink(missing_ok=True)
        shutil.rmtree(self.training / "cache", ignore_errors=True)
        if run and discard:
            self.remove(run.name)

    def arguments(
        self, name: str, images: Path, parent: str, options: Sequence[str], *, estimate: bool = False
    ) -> list[str]:
        """Return the arguments of the training command for a round of that name, or for the estimate of its time.

        `options` are those of what was chosen for it.
        """
        return [
            *([str(self.estimate_input), "--estimate"] if estimate else [str(self.snapshot)]),
            "--images", str(images),
            "--from", str(weights_file(parent) or parent),
            "--output", str(self.file(name)),
            "--split", str(self.training / "split.json"),
            "--cache", str(self.training / "cache"),
            "--json",
            "--overwrite",  # names are this project's own, and given once
            *options,
        ]  # fmt: skip

    def _read_in_use(self) -> str:
        with contextlib.suppress(OSError), open_regular(self.models / "in_use") as file:
            return os.fsdecode(file.read(_MAX_BYTES)).strip()
        return ""

    def _read_run(self) -> TrainingRun | None:
        with contextlib.suppress(OSError, msgspec.DecodeError, UnicodeDecodeError):
            run = RecordDecoder(TrainingRun).decode(read_regular(self.training / "run.json"))
            return run if _ROUND.fullmatch(run.name) else None
        return None


def _write(path: Path, data: bytes) -> None:
    replace_file(path, [data])
