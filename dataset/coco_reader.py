"""Reads COCO files for every command: the contents, checked record by record, and the photos that they name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from dataset import coco_form
from dataset.categories import Category, from_coco
from dataset.coco_checks import Problem, check_annotation, check_box, check_image, check_reference
from dataset.i18n import tr
from dataset.images import PhotoError, ReducedPhoto, photo_size, read_reduced
from dataset.messages import UserError

if TYPE_CHECKING:
    from pathlib import Path

Need = Literal["boxes", "masks", "labels"]
"""What is read: boxes to give masks to, in a file that is written again; masks to measure with; labels to train on."""


class DataError(UserError):
    """A data set cannot be used; the text is one sentence that names the file and says why."""


@dataclass(frozen=True)
class Source:
    """A COCO file with the folder of its photos."""

    annotations: Path
    images: Path | None = None
    """Folder of the photos; when None, `images` beside the file, or else the file's own folder."""
    partial: bool = False
    """Whether even the file's own categories are not labelled everywhere."""

    def folder(self) -> Path:
        """Return the folder that the file names of the photos start from."""
        if self.images is not None:
            return self.images
        beside = self.annotations.parent / "images"
        return beside if beside.is_dir() else self.annotations.parent


@dataclass(frozen=True, slots=True)
class CheckedImage:
    """An entry of `images`."""

    record: dict[str, Any]
    """With its width and height as whole numbers."""
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class CheckedAnnotation:
    """An entry of `annotations`."""

    record: dict[str, Any]
    """Its bbox is four numbers, unless there is a problem."""
    image: dict[str, Any] | None
    """Its entry of `images`; None when the file has none."""
    problem: Problem | None


@dataclass(frozen=True)
class CocoData:
    """The contents of a COCO file, and what is wrong with them."""

    contents: dict[str, Any]
    """As they came."""
    categories: tuple[Category, ...]
    images: list[CheckedImage]
    """All of the file, in its order."""
    annotations: list[CheckedAnnotation]
    """All of the file, in its order."""
    problems: list[Problem]
    """Of all records, in the order of the file."""


def read_coco(path: Path, need: Need) -> CocoData:
    """Return the contents of a COCO file with every record checked.

    An annotation is usable for masks when it is a finite box of a category on an image of the file, and for labels when
    that box is larger than `MIN_BOX_SIDE` and lies in its image, too. For boxes the records stand in `contents` alone,
    and each must be as COCO has it, because all are written again. The first image of an id counts.

    Raises:
        DataError: The file cannot be read or is not a COCO file.
    """
    contents = load_coco(path)
    if need == "boxes":
        problems = coco_form.check_numbers(contents) or coco_form.check_records(contents)
        return CocoData(contents, (), [], [], problems)
    categories = _categories(path, contents["categories"])
    images = _images(path, contents["images"])
    by_id: dict[Any, dict[str, Any]] = {}
    for image in images:
        by_id.setdefault(image.record["id"], image.record)
    known = {category.id for category in categories}
    annotations = [_annotation(record, by_id, known, need) for record in contents["annotations"]]
    problems = [checked.problem for checked in (*images, *annotations) if checked.problem]
    return CocoData(contents, categories, images, annotations, problems)


def load_coco(path: Path) -> dict[str, Any]:
    """Return the contents of a COCO file, of which only the three lists are checked to be there.

    Raises:
        DataError: The file cannot be read or is not a COCO file.
    """
    try:
        contents = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(tr("{file} cannot be read: {reason}.", file=path, reason=error.strerror)) from None
    except (ValueError, RecursionError):  # the latter of lists in lists, thousands deep
        raise DataError(tr("{file} is not JSON.", file=path)) from None
    kinds = ("images", "annotations", "categories")
    if not isinstance(contents, dict) or any(not isinstance(contents.get(kind), list) for kind in kinds):
        text = tr("{file} is not a COCO file: it needs the lists {lists}.", file=path, lists=", ".join(kinds))
        raise DataError(text)
    return contents


def require_sizes(path: Path, data: CocoData) -> None:
    """Check that every image of a file has a width and a height.

    Raises:
        DataError: One has not.
    """
    if any(problem.kind == "image_size" for problem in data.problems):
        raise _incomplete_image(path)


def _categories(path: Path, records: list[Any]) -> tuple[Category, ...]:
    try:
        return tuple(from_coco(record) for record in records)
    except ValueError as error:
        raise DataError(tr("{file}: {problem}.", file=path, problem=error)) from None


def _images(path: Path, records: list[Any]) -> list[CheckedImage]:
    seen: set[object] = set()
    found = []
    for record in records:
        image = _sized(record, path)
        found.append(CheckedImage(image, check_image(image, seen)))
        seen.add(image["id"])
    return found


def _sized(record: Any, path: Path) -> dict[str, Any]:  # noqa: ANN401 - whatever the file has
    """Return an entry of `images` with its width and height as whole numbers.

    Raises:
        DataError: It lacks its id, file_name, width or height, or one of them is none.
    """
    try:
        size = {"width": int(record["width"]), "height": int(record["height"])}
        if isinstance(record["id"], int | float | str) and isinstance(record["file_name"], str):
            return {**record, **size}
    except (KeyError, TypeError, ValueError, OverflowError):
        pass
    raise _incomplete_image(path)


def _incomplete_image(path: Path) -> DataError:
    text = tr("{file} is not a proper COCO file: an image lacks its id, file_name, width or height.", file=path)
    return DataError(text)


def _annotation(record: Any, images: dict[Any, dict[str, Any]], known: set[int], need: Need) -> CheckedAnnotation:  # noqa: ANN401 - whatever the file has
    problem = check_reference(record, images)
    if problem:
        return CheckedAnnotation(record, None, problem)
    image = images[record["image_id"]]
    where = image["file_name"]
    if need == "labels":
        problem = check_annotation(record, image["width"], image["height"], known, where)
    else:
        problem = check_box(record, known, where)
    if problem is None and not all(isinstance(value, int | float) for value in record["bbox"]):
        record = {**record, "bbox": [float(value) for value in record["bbox"]]}
    return CheckedAnnotation(record, image, problem)


def read_image(folder: Path, image: dict[str, Any]) -> ReducedPhoto:
    """Return the photo of an entry of a COCO file's `images`, as a model is given it.

    Raises:
        dataset.images.PhotoError: It cannot be read, or has another size than the file says.
    """
    photo = read_reduced(folder / image["file_name"])
    check_size(photo.size, image)
    return photo


def check_size(size: tuple[int, int], image: dict[str, Any]) -> None:
    """Check that a photo of (width, height) has the size that an entry of a COCO file's `images` names, if it does.

    Raises:
        dataset.images.PhotoError: It has another one.
    """
    width, height = size
    if size != (image.get("width", width), image.get("height", height)):
        text = tr(
            "It has {width} x {height} pixels, but {file_width} x {file_height} in the file.",
            width=width,
            height=height,
            file_width=image["width"],
            file_height=image["height"],
        )
        raise PhotoError(text)


def opens(path: Path) -> bool:
    """Return whether a file is a photo, as far as its header shows."""
    try:
        photo_size(path)
    except PhotoError:
        return False
    return True
