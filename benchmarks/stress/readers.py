"""Everything that opens a file which somebody else may have made: the window's store, the commands, photos, weights.

Each is a `cases.Reader`: it takes a folder in which the file lies under a name of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections import Counter
from dataclasses import replace
from functools import cache, partial
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from tqdm import tqdm

import main
from annotator.core.annotation import Annotation
from annotator.core.store.store import Store
from dataset.coco.reader import Source
from dataset.folder import list_images
from dataset.formats.base import Format, formats
from dataset.geometry import rectangle
from dataset.messages import UserError
from dataset.pictures.images import photo_size, read_photo
from model.commands import evaluate as evaluate_command
from model.commands import fill_masks
from model.data.project_dataset import read_project
from model.data.training_images import classes_of, read_photos
from model.inference.mask_keypoint_pair import load_predictor
from tests.hostile.cases import Reader, WrongError
from tests.hostile.format_files import SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

MODEL = "model.safetensors"
"""The weights of the commands that need some, in the folder `own` beside the case."""
PHOTO_NAME = "photo"
"""Of the file that is opened as a photo; its ending is the case's."""
EXPECTED = "expected.npy"
"""What a photo must look like, where that is known."""
TOLERANCE = 0.04
"""Between what a photo looks like and what it must look like, of the whole range; a JPEG is that far off."""
CANARY = "executed"
"""A file that appears in the folder when something in another file was executed."""


def window(folder: Path) -> Callable[[], None]:
    """Open a project as the window does, look at every photo, edit one, and save: nothing of the file may be lost."""
    file = folder / "annotations.json"
    before = file.read_bytes() if file.exists() else b""
    locked: list[UserError] = []
    edited = False
    store = Store.open(folder, fallback=folder / "fallback")
    try:
        for name in list_images(folder):
            try:
                state = store.load(name)
            except UserError as error:
                locked.append(error)
                continue
            if not edited:
                edited = True
                category = next(iter(store.categories), None) or store.categories.add("thing")
                new = Annotation(store.new_id(), category.id, rectangle(1, 1, 5, 5))
                store.put(name, replace(state, size=(64, 48), annotations=(*state.annotations, new)))
        store.save().result(60)
    finally:
        store.close()

    def check() -> None:
        _check_kept(_records(before), _records(file.read_bytes()) or Counter(), edited=edited)
        if locked:
            raise locked[0]

    return check


def _check_kept(before: Counter[str] | None, after: Counter[str], *, edited: bool) -> None:
    """Check that a file that was saved has every annotation that it had, and a new one where there was an edit."""
    if before is None:
        return
    if lost := before - after:
        raise WrongError(f"{lost.total()} of {before.total()} annotations are not in the saved file")
    if after.total() != before.total() + edited:
        raise WrongError(f"{before.total()} annotations and {int(edited)} new one became {after.total()}")


def _records(content: bytes) -> Counter[str] | None:
    """Return the annotations of a file without their ids, which may be given anew; None where it is no COCO file."""
    try:
        found = json.loads(content.decode("utf-8-sig"))
        records = found.get("annotations") if isinstance(found, dict) else None
        if not isinstance(records, list):
            return None
        kept = ({k: v for k, v in r.items() if k != "id"} if isinstance(r, dict) else r for r in records)
        return Counter(json.dumps(record, sort_keys=True) for record in kept)
    except (ValueError, RecursionError):
        return None


def evaluate(folder: Path) -> None:
    """Measure a model against the file."""
    _command("evaluate", folder / "annotations.json", "--weights", folder.parent / "own" / MODEL, "--device", "cpu")


def masks(folder: Path) -> None:
    """Give the boxes of the file masks."""
    output = folder / "masks.json"
    try:
        _command("masks", folder / "annotations.json", "--output", output, "--weights", folder.parent / "own" / MODEL,
                 "--device", "cpu")  # fmt: skip
        if _records(output.read_bytes()) is None:
            raise WrongError("what was written is no COCO file")
    finally:
        output.unlink(missing_ok=True)


def train(folder: Path) -> None:
    """Read the file as both forms of training do."""
    file = folder / "annotations.json"
    project = read_project(file, None, lambda: None)
    classes = classes_of([(file, project.data)], by_supercategory=False)
    read_photos([Source(file)], classes, by_supercategory=False, on_message=lambda _text: None)


def import_from(file_format: Format, folder: Path) -> Callable[[], None]:
    """Import the files of a format into a project that has none: `SOURCE`, else the COCO file or the folder."""
    source, other = folder / (SOURCE + file_format.suffix), "annotations.json" if file_format.name == "coco" else ""
    if not os.path.lexists(source) and os.path.lexists(folder / other):
        source = folder / other
    project = folder / "project.json"
    try:
        _command("import", file_format.name, source, folder, "--annotations", project)
    finally:
        _check_canary(folder)

    def check() -> None:
        if project.exists() and _records(project.read_bytes()) is None:
            raise WrongError("what was written is no COCO file")

    return check


def export_to_all(folder: Path) -> None:
    """Export a project in every format; a photo or a class may be called anything."""
    for file_format in formats():
        if file_format.write:
            target = folder / "exported" / f"{file_format.name}{file_format.suffix}"
            target.parent.mkdir(exist_ok=True)
            _command("export", file_format.name, folder, target)


def _command(*arguments: object) -> None:
    """Run a command, and turn its last sentence into a UserError where it fails."""
    printed, said = StringIO(), StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(said):
        try:
            status = main.main([str(a) for a in arguments])
        except SystemExit as error:
            raise WrongError(f"the command was left by {error}") from None
    if status:
        sentences = said.getvalue().strip().splitlines() or [""]
        raise UserError(sentences[-1])


def photo(folder: Path) -> None:
    """Read the size of a photo, and the photo."""
    path = _only_file(folder, PHOTO_NAME)
    size = photo_size(path)
    pixels = read_photo(path)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise WrongError(f"an array {pixels.shape} of {pixels.dtype}")
    if (pixels.shape[1], pixels.shape[0]) != size:
        raise WrongError(f"the header says {size}, the picture has {pixels.shape[1::-1]}")
    if (folder / EXPECTED).exists():
        _compare(pixels, np.load(folder / EXPECTED))


def _compare(pixels: NDArray[np.uint8], expected: NDArray[Any]) -> None:
    """Check a photo against what it must look like, as it is or stretched from its least to its greatest value."""
    if pixels.shape != expected.shape:
        raise WrongError(f"{pixels.shape} instead of {expected.shape}")
    shown = pixels / 255
    truth = expected.astype(float)
    whole = np.iinfo(expected.dtype).max if expected.dtype.kind == "u" else 1.0
    low, high = truth.min(), truth.max()
    forms = (truth / whole, (truth - low) / max(high - low, 1e-9))
    off = min(float(np.abs(shown - form).mean()) for form in forms)
    if off > TOLERANCE:
        raise WrongError(f"shown wrong: {off:.2f} off on average")


def weights(folder: Path) -> None:
    """Load a checkpoint and look at a picture with it."""
    path = _only_file(folder, "weights")
    try:
        predictor = load_predictor(str(path), "cpu")
        predictor.set_image(np.zeros((32, 48, 3), np.uint8))
        predictor.detect()
    finally:
        _check_canary(folder)


def _check_canary(folder: Path) -> None:
    if (folder / CANARY).exists():
        (folder / CANARY).unlink()
        raise WrongError("what is in the file was executed")


def _only_file(folder: Path, stem: str) -> str:
    """Return the path of the file with that stem."""
    (name,) = (entry for entry in os.listdir(folder) if entry.startswith(stem))  # noqa: PTH208 - names of any bytes
    return os.path.join(folder, name)  # noqa: PTH118


READERS: dict[str, Reader] = {
    "window": window,
    "evaluate": evaluate,
    "masks": masks,
    "train": train,
    **{
        f"import {file_format.name}": partial(import_from, file_format) for file_format in formats() if file_format.read
    },
    "export": export_to_all,
    "photo": photo,
    "weights": weights,
}

tqdm.set_lock(threading.RLock())  # its own is one between processes, which those that are killed would leave behind
torch.set_num_threads(1)  # so that CPU time is the time that it takes
for command in (evaluate_command, fill_masks):
    command.load_predictor = cache(load_predictor)  # always the same weights here: they are not what is looked at
