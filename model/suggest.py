"""Suggestions for a folder of photos, without a window: COCO JSON, and pictures of it if wanted.

What is found is kept beside the output, photo by photo, so that a run that was killed goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from tqdm import tqdm

from model import preview
from model.categories import to_coco
from model.checkpoint import write_bytes
from model.folder import list_photos
from model.memory import detect_many_within_memory, groups
from model.pair import make_predictor
from model.photo import PhotoError, read_photo
from model.predict import DeviceError
from model.results import annotation
from model.team import Team, join, leave
from model.weights import WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from model.pair import Pair
    from model.predict import Predictor

OUTPUT_NAME = "suggestions.json"
GENERATOR = "annotator suggest"
"""Stands in the output's `info`, and tells a file of ours, which may be replaced, from a person's."""
SYNC_SECONDS = 5.0
"""How much work a power cut may cost."""
REPORT_SECONDS = 5.0
NO_MEMORY = "There is not enough memory for this photo."


class SuggestError(Exception):
    """The command cannot be done; the text is one sentence for people."""


@dataclass
class Journal:
    """The results so far, one JSON record a line, in a file beside the output."""

    path: Path
    settings: dict[str, Any]
    done: dict[str, dict[str, Any]] = field(default_factory=dict)

    def open(self) -> None:
        """Read what an earlier run of the same settings left, drop a half-written line, and be ready to append.

        Raises:
            OSError: The file cannot be written.
        """
        whole = 0
        data = self.path.read_bytes() if self.path.exists() else b""
        for number, line in enumerate(data.splitlines(keepends=True)):
            try:
                record = json.loads(line)
            except ValueError:
                break
            if not line.endswith(b"\n") or not isinstance(record, dict):
                break
            if number == 0 and record != self.settings:
                break
            if number > 0:
                self.done[record["file_name"]] = record
            whole += len(line)
        self._file = self.path.open("r+b" if data else "wb")
        self._file.seek(whole)
        self._file.truncate()
        self._synced = time.monotonic()
        if whole == 0:
            self._write(self.settings)

    def add(self, record: dict[str, Any]) -> None:
        """Append a photo's record.

        Raises:
            OSError: The disk is full, say.
        """
        self.done[record["file_name"]] = record
        self._write(record)

    def close(self) -> None:
        """Force everything to disk."""
        with suppress(OSError):
            os.fsync(self._file.fileno())
        self._file.close()

    def _write(self, record: dict[str, Any]) -> None:
        self._file.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")
        self._file.flush()
        if time.monotonic() - self._synced > SYNC_SECONDS:
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("folder", type=Path, metavar="FOLDER", help="photos, subfolders included")
    add("--output", type=Path, metavar="FILE", help=f"COCO JSON to write (default: FOLDER/{OUTPUT_NAME})")
    add("--weights", default="builtin", metavar="NAME|FILE", help="builtin, coco, or a checkpoint (default: builtin)")
    add("--score", type=float, default=0.5, help="least score of a suggestion, 0 to 1 (default: 0.5)")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to compute (default: auto)")
    add("--preview", type=Path, metavar="DIR", help="also write pictures of the suggestions to this folder")


def run(args: argparse.Namespace) -> int:
    """Do the command. Return 0, or 2 with one sentence on standard error, or 130 when stopped by Ctrl+C.

    Several processes that `torchrun` started share the photos out and write one file.
    """
    team = join(args.device)
    try:
        return _run(args, team)
    except (SuggestError, WeightsError, DeviceError) as error:
        _say(str(error))
    except OSError as error:
        _say(f"{error.filename or args.output or args.folder} cannot be written: {error.strerror}.")
    except KeyboardInterrupt:
        _say("Stopped. The same command goes on from here.")
        return 130
    finally:
        leave(team)
    return 2


def _run(args: argparse.Namespace, team: Team) -> int:
    photos = _photos(args)
    output: Path = args.output or args.folder / OUTPUT_NAME
    _check_output(output)
    predictor = make_predictor(args.weights, args.device)
    settings = {"generator": GENERATOR, "weights": predictor.id, "score": args.score}
    ending = ".partial" if team.size == 1 else f".partial{team.rank}"
    journal = Journal(output.with_name(output.name + ending), settings)
    journal.open()
    try:
        done = {name for part in team.gather(list(journal.done)) for name in part}
        left = [name for name in photos if name not in done]
        if len(left) < len(photos) and team.leads:
            _say(f"{len(photos) - len(left)} of {len(photos)} photos are done already.")
        names = _progress(team.share(left), sys.stderr.isatty()) if team.leads else team.share(left)
        for group in groups(names, predictor.batch):
            for record in _suggest(predictor, args.folder, group, args.score, args.preview):
                journal.add(record)
    finally:
        journal.close()
    found = {name: record for part in team.gather(list(journal.done.items())) for name, record in part}
    if team.leads:
        _finish([found[name] for name in photos], output, predictor, args)
    team.wait()  # what was found is kept until it stands in the output
    journal.path.unlink()
    return 0


def _finish(records: list[dict[str, Any]], output: Path, predictor: Predictor | Pair, args: argparse.Namespace) -> None:
    """Write the output, and say what is in it and what was left out."""
    write_bytes(output, json.dumps(_coco(records, predictor, args)).encode())
    bad = [r for r in records if "error" in r]
    count = sum(len(r["annotations"]) for r in records if "error" not in r)
    print(f"{count} suggestions on {len(records) - len(bad)} photos: {output}")  # noqa: T201
    if args.preview:
        print(f"Pictures: {args.preview}")  # noqa: T201
    for record in bad:
        _say(f"Left out {record['file_name']}: {record['error']}")


def _photos(args: argparse.Namespace) -> list[str]:
    """Return the folder's photos after checking the arguments."""
    if not 0 <= args.score <= 1:
        raise SuggestError(f"The score is between 0 and 1, not {args.score}.")
    if not args.folder.is_dir():
        problem = "is not a folder" if args.folder.exists() else "does not exist"
        raise SuggestError(f"{args.folder} {problem}: name a folder of photos.")
    try:
        photos = list_photos(args.folder, [args.preview] if args.preview else [])
    except OSError as error:
        raise SuggestError(f"{args.folder} cannot be read: {error.strerror}.") from None
    if not photos:
        raise SuggestError(f"{args.folder} holds no photos (JPEG, PNG, WebP, BMP, GIF or TIFF).")
    return photos


def _check_output(output: Path) -> None:
    """Refuse to replace a file that this command did not write."""
    if output.is_dir():
        raise SuggestError(f"{output} is a folder: name a file with --output.")
    if not output.parent.is_dir():
        raise SuggestError(f"The folder {output.parent} does not exist.")
    if not output.exists():
        return
    try:
        info = json.loads(output.read_bytes())["info"]
        ours = info["generator"] == GENERATOR
    except (OSError, ValueError, KeyError, TypeError):
        ours = False
    if not ours:
        raise SuggestError(f"{output} exists and was not written by this command: name another file with --output.")


def _suggest(
    predictor: Predictor | Pair, folder: Path, names: list[str], score: float, previews: Path | None
) -> Iterator[dict[str, Any]]:
    """Yield the records of photos; one that cannot be read has the reason in it instead of annotations."""
    photos: dict[str, NDArray[np.uint8]] = {}
    for name in names:
        try:
            photos[name] = read_photo(folder / name)
        except PhotoError as error:
            yield {"file_name": name, "error": str(error)}
        except MemoryError:
            yield {"file_name": name, "error": NO_MEMORY}
    try:
        found = detect_many_within_memory(predictor, list(photos.values()), _say, score=score)
    except (torch.OutOfMemoryError, MemoryError):
        if len(names) > 1:
            for name in photos:
                yield from _suggest(predictor, folder, [name], score, previews)
        else:
            yield {"file_name": names[0], "error": NO_MEMORY}
        return
    for (name, photo), instances in zip(photos.items(), found, strict=True):
        if previews:
            preview.save(preview.draw(photo, instances, predictor.categories), (previews / name).with_suffix(".jpg"))
        size = (photo.shape[0], photo.shape[1])
        annotations = [annotation(i, size) for i in instances]
        yield {"file_name": name, "width": size[1], "height": size[0], "annotations": annotations}


def _coco(records: list[dict[str, Any]], predictor: Predictor | Pair, args: argparse.Namespace) -> dict[str, Any]:
    images, annotations = [], []
    for number, record in enumerate(records, 1):
        if "error" in record:
            continue
        images.append({"id": number, **{key: record[key] for key in ("file_name", "width", "height")}})
        for found in record["annotations"]:
            annotations.append({"id": len(annotations) + 1, "image_id": number, **found})
    info = {
        "description": f"Suggestions of the model {Path(args.weights).name}, not checked by a person",
        "generator": GENERATOR,
        "score": args.score,
    }
    categories = [to_coco(c) for c in predictor.categories]
    return {"info": info, "licenses": [], "images": images, "annotations": annotations, "categories": categories}


def _progress(names: list[str], terminal: bool) -> Iterator[str]:  # noqa: FBT001 - whether the output is one
    """Yield the names, showing on standard error how far it is: a bar on a terminal, now and then a line elsewhere."""
    if terminal:
        yield from tqdm(names, unit="photo")
        return
    start = last = time.monotonic()
    for done, name in enumerate(names):
        yield name
        now = time.monotonic()
        if now - last > REPORT_SECONDS or done + 1 == len(names):
            rate = (done + 1) / max(1e-9, now - start)
            remaining = (len(names) - done - 1) / rate
            _say(f"{done + 1} of {len(names)} photos, {rate:.1f} a second, {remaining:.0f} s left")
            last = now


def _say(text: str) -> None:
    tqdm.write(text, file=sys.stderr)


def main(arguments: Iterable[str] | None = None) -> int:
    """Run the command by itself."""
    parser = argparse.ArgumentParser(prog="python -m model.suggest", description=(__doc__ or "").splitlines()[0])
    add_arguments(parser)
    return run(parser.parse_args(list(arguments) if arguments is not None else None))


if __name__ == "__main__":
    sys.exit(main())
