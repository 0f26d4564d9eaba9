"""Reads a dataset of YOLO: where its labels are, and what they say."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from dataset.formats.base import (
    ClassRecord,
    Dataset,
    FormatError,
    ImageRecord,
    UnreadableFileError,
    no_progress,
    read_bytes,
    watched,
)
from dataset.formats.photo_files import PhotoPath, find_photos, images_in
from dataset.formats.stored_images import spooled
from dataset.formats.yolo.data_yaml import CLASSES, NAME, SPLITS, DataYaml, read_classes_txt, read_data_yaml
from dataset.formats.yolo.lines import Fault, LineError, read_line
from dataset.i18n import plural, tr
from dataset.messages import listing, os_reason
from dataset.photo_names import file_in, is_inside, with_slashes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dataset.formats.base import ObjectRecord, OnProgress, Point

MAX_LABEL_BYTES = 64 << 20
IMAGES, LABELS = "images", "labels"
YAML_SUFFIXES = (".yaml", ".yml")


@dataclass(slots=True)
class _LabelProblems:
    """What could not be read."""

    lines: Counter[Fault] = field(default_factory=Counter)
    files: dict[Fault, dict[str, None]] = field(default_factory=dict)
    """In which label files, in order."""
    points: int = 0
    """Keypoints that the class does not name."""
    damaged: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, fault: Fault, name: str) -> None:
        self.lines[fault] += 1
        self.files.setdefault(fault, {})[name] = None

    def sentences(self) -> tuple[str, ...]:
        found = [*self.notes, *self.unread]
        if self.damaged:
            found.append(plural("{names} is damaged and left out.", "{names} are damaged and left out.",
                                len(self.damaged), names=listing(self.damaged)))  # fmt: skip
        found += [_sentence(f, self.lines[f], listing(list(self.files[f]))) for f in Fault if self.lines[f]]
        if self.points:
            found.append(plural(
                "{n:,} keypoint is left out: its class does not have it.",
                "{n:,} keypoints are left out: their classes do not have them.", self.points,
            ))  # fmt: skip
        return tuple(found)


def _sentence(fault: Fault, n: int, files: str) -> str:
    if fault is Fault.FORM:
        return plural("{n:,} line of {files} is neither a box, an outline nor a pose and is left out.",
                      "{n:,} lines of {files} are neither boxes, outlines nor poses and are left out.", n,
                      files=files)  # fmt: skip
    if fault is Fault.CLASS:
        return plural("{n:,} line of {files} is of a class that has no name and is left out.",
                      "{n:,} lines of {files} are of classes that have no name and are left out.", n,
                      files=files)  # fmt: skip
    if fault is Fault.OUTSIDE:
        return plural("{n:,} line of {files} has coordinates outside the photo and is left out.",
                      "{n:,} lines of {files} have coordinates outside the photo and are left out.", n,
                      files=files)  # fmt: skip
    return plural("{n:,} line of {files} has no area and is left out.",
                  "{n:,} lines of {files} have no area and are left out.", n, files=files)  # fmt: skip


def read(source: Path, images: Path, on_progress: OnProgress = no_progress) -> Dataset:
    """Return the labels of a dataset of YOLO.

    Args:
        source: Its folder, or its `data.yaml` or `classes.txt`.
        images: The folder of photos, whose sizes count.
        on_progress: Is called for each label file.

    Raises:
        FormatError: It cannot be read, or is none.
    """
    problems = _LabelProblems()
    folder, description = _description(source, problems)
    labels = _label_files(folder, description, problems)
    if not labels:
        text = tr("{file} holds no labels of YOLO.", file=source)
        raise FormatError(" ".join((text, *problems.sentences())))
    photos = find_photos([path for _, path in labels], folder, images)
    used: dict[int, None] = {}
    names = dict(description.names)

    def read_images() -> Iterator[ImageRecord]:
        for (label, _), photo in zip(watched(labels, on_progress), photos, strict=True):
            lines = _lines(folder / label, label, problems)
            if lines is None:
                continue
            found = [] if photo.size == (0, 0) else _objects(lines, label, photo.size, description, problems)
            used.update(dict.fromkeys(index for index, _ in found))
            if not description.names:
                names.update({index: f"class {index}" for index in used})
            objects = tuple(replace(record, class_name=names[index]) for index, record in found)
            yield ImageRecord(photo.name, photo.size, objects)

    records = spooled(read_images())
    if not description.names and used:
        problems.notes.append(tr("{file} is missing: classes are named by their number.", file=NAME))
    classes = tuple(
        ClassRecord(name, keypoint_names=_keypoint_names(description, i)) for i, name in sorted(names.items())
    )
    return Dataset(images, classes, records, problems.sentences())


def _description(source: Path, problems: _LabelProblems) -> tuple[Path, DataYaml]:
    """Return the folder of a dataset, and what its `data.yaml` or `classes.txt` says."""
    try:
        if source.is_dir():
            listed = sorted(path for path in source.iterdir() if path.suffix.lower() in YAML_SUFFIXES)
            text_files = [path for path in (source / CLASSES, source / LABELS / CLASSES) if path.is_file()]
        elif source.exists():
            listed = [source] if source.suffix.lower() in YAML_SUFFIXES else []
            text_files = [source] if source.name == CLASSES else []
            if not listed and not text_files:
                text = tr("{file} is no {name}; choose that, or the folder that it is in.", file=source, name=NAME)
                raise FormatError(text)
        else:
            raise FormatError(tr("{file} does not exist.", file=source))
    except OSError as error:
        raise FormatError(tr("{file} cannot be read: {reason}.", file=source, reason=os_reason(error))) from None
    folder = source if source.is_dir() else source.parent
    named = [path for path in listed if path.stem.lower() == "data"]
    if len(listed) == 1 or named:
        return folder, read_data_yaml((named or listed)[0])
    if listed:
        problems.notes.append(
            tr("{files} may each describe the dataset: choose one of them.", files=listing([p.name for p in listed]))
        )
    return folder, read_classes_txt(text_files[0]) if text_files else DataYaml({})


def _label_files(folder: Path, description: DataYaml, problems: _LabelProblems) -> list[tuple[str, PhotoPath]]:
    """Return the label files, relative to the folder, of the splits or else of all of it, and the photos' paths."""
    photos = {label_path(name): name for name in images_in(folder)}
    splits = _splits(folder, description, problems)
    if splits is None:
        found = {label: _base(label) for label in _text_files(folder, "")}
        found = {label: base for label, base in found.items() if base} or found  # other texts are none
    else:
        found = _of_splits(folder, *splits)
    return [(label, _photo_path(label, photos.get(label), base)) for label, base in found.items()]


def _of_splits(folder: Path, bases: Sequence[str], photos: Sequence[str]) -> dict[str, str]:
    """Return the labels of the photos in some folders, and of some photos, each with the folder of photos."""
    found: dict[str, str] = {}
    for base in bases:
        for start in dict.fromkeys((_labels_folder(base), base)):
            for label in _text_files(folder, start):
                if start == _labels_folder(base) or LABELS in _folders(label):
                    found.setdefault(label, base)
    for name in photos:
        label = label_path(name)
        if file_in(folder, label):
            base = _base(label)
            is_split = base.rpartition("/")[2].startswith(SPLITS)
            found.setdefault(label, base if is_split else str(PurePosixPath(name).parent))
    return found


def _base(label: str) -> str:
    """Return the folder of photos that a label file's folder `labels` stands beside, with the split; "" without one."""
    folders = _folders(label)
    if LABELS not in folders:
        return ""
    last = len(folders) - 1 - folders[::-1].index(LABELS)
    end = last + 1 + (len(folders) > last + 1 and folders[last + 1].startswith(SPLITS))
    return "/".join((*folders[:last], IMAGES, *folders[last + 1 : end]))


def _folders(name: str) -> tuple[str, ...]:
    return PurePosixPath(name).parent.parts


def _photo_path(label: str, photo: str | None, base: str) -> PhotoPath:
    if photo is None:  # its name is known but for the ending, which is not compared
        start = _labels_folder(base)
        return PhotoPath(label, label[len(start) + 1 :] if start and label.startswith(f"{start}/") else label)
    return PhotoPath(photo, photo[len(base) + 1 :] if base not in ("", ".") else photo)


def label_path(photo: str) -> str:
    """Return where the labels of a photo are: in `labels` in the place of the last `images` of its path."""
    *folders, name = photo.split("/")
    return "/".join((*_mirrored(folders), f"{PurePosixPath(name).stem}.txt"))


def _labels_folder(base: str) -> str:
    return "/".join(_mirrored(base.split("/")))


def _mirrored(folders: Sequence[str]) -> list[str]:
    last = len(folders) - 1 - folders[::-1].index(IMAGES) if IMAGES in folders else len(folders)
    return [LABELS if place == last else folder for place, folder in enumerate(folders)]


def _splits(folder: Path, description: DataYaml, problems: _LabelProblems) -> tuple[list[str], list[str]] | None:
    """Return the folders of photos that the splits name, and the photos in their lists, relative to the folder.

    None where no split is there.
    """
    is_there = False
    bases: list[str] = []
    photos: list[str] = []
    outside: list[str] = []
    for split in description.splits:
        bare = with_slashes(split)
        candidates = [Path(folder, with_slashes(description.root), bare), Path(folder, bare)]
        while bare.startswith("../"):  # Roboflow's are one folder too far up
            bare = bare[3:]
            candidates.append(folder / bare)
        there = [path for path in map(_resolved, candidates) if path]
        path = next((path for path in there if path.is_relative_to(folder.resolve())), None)
        if path is None:
            outside += [split] if there else []
        elif path.is_dir():
            bases.append(_relative(path, folder))
        else:
            photos += _listed(path, folder)
        is_there |= path is not None
    if outside:
        problems.notes.append(tr("{names} lies outside the dataset's folder and is not read.", names=listing(outside)))
    return (list(dict.fromkeys(bases)), photos) if is_there else None


def _resolved(path: Path) -> Path | None:
    """Return where a path leads; None where nothing is."""
    try:
        return path.resolve() if path.exists() else None
    except (OSError, ValueError):  # a name that no file can have
        return None


def _relative(path: Path, folder: Path) -> str:
    found = path.relative_to(folder.resolve()).as_posix()
    return "" if found == "." else found


def _listed(path: Path, folder: Path) -> Iterator[str]:
    """Yield the photos that a text file lists, relative to the folder; those outside are left out.

    They need not be there: CVAT's exports may be without photos.
    """
    root = folder.resolve()
    for line in read_bytes(path, MAX_LABEL_BYTES).decode(errors="replace").splitlines():
        name = with_slashes(line.strip())
        try:
            place = Path(os.path.realpath(path.parent / name if line.startswith("./") else root / name))
        except (OSError, ValueError):  # a name that no file can have
            continue
        if place.is_relative_to(root) and is_inside(relative := _relative(place, folder)):
            yield relative


def _text_files(folder: Path, start: str) -> Iterator[str]:
    """Yield the label files in a folder and its subfolders, in order, relative to the dataset's folder."""
    for here, folders, names in os.walk(folder / start):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(".txt") and not name.startswith(".") and name != CLASSES:
                yield Path(here, name).relative_to(folder).as_posix()


def _lines(path: Path, name: str, problems: _LabelProblems) -> list[str] | None:
    """Return the lines of a label file that are not empty; None where it cannot be read."""
    try:
        text = read_bytes(path, MAX_LABEL_BYTES).decode("utf-8-sig")
    except UnreadableFileError as error:
        problems.unread.append(str(error))
    except (FormatError, UnicodeDecodeError):
        problems.damaged.append(name)
    else:
        return [line for line in text.splitlines() if line.strip()]
    return None


def _objects(
    lines: Iterable[str], label: str, size: tuple[int, int], description: DataYaml, problems: _LabelProblems
) -> list[tuple[int, ObjectRecord]]:
    found = []
    for line in lines:
        try:
            index, record = read_line(line, size, description.keypoint_shape)
        except LineError as error:
            problems.add(error.fault, label)
            continue
        if description.names and index not in description.names:
            problems.add(Fault.CLASS, label)
            continue
        count = len(_keypoint_names(description, index))
        problems.points += sum(point.visibility > 0 for point in record.keypoints[count:])
        found.append((index, replace(record, keypoints=_labelled(record.keypoints[:count]))))
    return found


def _labelled(points: tuple[Point, ...]) -> tuple[Point, ...]:
    return points if any(point.visibility for point in points) else ()


def _keypoint_names(description: DataYaml, index: int) -> tuple[str, ...]:
    if not description.keypoint_shape:
        return ()
    count = description.keypoint_shape[0]
    if description.keypoint_names:
        return description.keypoint_names.get(index, ())[:count]
    return tuple(str(number) for number in range(1, count + 1))
