"""Reads COCO files for every command: the contents, checked record by record, and the photos that they name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dataset import masks, rle
from dataset.coco.categories import read_categories, to_coco
from dataset.coco.checks import (
    Problem,
    check_annotation,
    check_box,
    check_class,
    check_corners,
    check_keypoints,
    check_mask,
    check_reference,
    is_results,
    results_refused,
    short,
)
from dataset.coco.values import (
    as_box,
    as_file_name,
    as_flag,
    as_id,
    as_keypoints,
    as_number,
    as_segmentation,
    as_whole,
    stands_for_box,
)
from dataset.i18n import tr
from dataset.json_text import TextError, loads, to_utf8
from dataset.messages import UserError, os_reason
from dataset.photo_names import NameMatches, find_photos, is_inside, unique_ids, with_slashes
from dataset.pictures.images import PhotoError, ReducedPhoto, is_turned, photo_size, read_reduced
from dataset.regular_files import LargeFileError, read_regular

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataset.coco.categories import Category, CategoryTable

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
    """With an `id` of its own, the path of its photo in the folder as `file_name`, and width and height as whole
    numbers, 0 where nothing gives them."""
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class CheckedAnnotation:
    """An entry of `annotations`."""

    record: dict[str, Any]
    """As COCO has it, unless there is a problem: the ids are those of its image and its category, bbox is four numbers,
    segmentation polygons near the photo or a mask of its size, or None, keypoints numbers."""
    image: dict[str, Any] | None
    """Its entry of `images`; None when the file has none."""
    problem: Problem | None
    """Why it cannot be used at all."""
    damage: tuple[Problem, ...] = ()
    """What of it cannot be used, while the rest is."""


@dataclass(frozen=True)
class CocoData:
    """The contents of a COCO file, and what is wrong with them."""

    contents: dict[str, Any]
    """As they came."""
    categories: tuple[Category, ...]
    images: list[CheckedImage]
    """All of the file that are records, in its order."""
    annotations: list[CheckedAnnotation]
    """All of the file, in its order."""
    problems: list[Problem]
    """Of all records, in the order of categories, images and annotations."""
    category_places: tuple[int, ...] = ()
    """The place of each category in the file's list."""

    def category_records(self) -> list[dict[str, Any]]:
        """Return the entries of `categories` with names and ids as they are read."""
        records = []
        for category, place in zip(self.categories, self.category_places, strict=True):
            record = {**self.contents["categories"][place], "id": category.id, "name": category.name}
            if "supercategory" in record:
                record["supercategory"] = category.supercategory
            if "keypoints" in record:
                made = to_coco(category)
                record |= {key: made.get(key, []) for key in ("keypoints", "skeleton") if key in record}
            records.append(record)
        return records


def read_coco(path: str | Path, need: Need, folder: str | Path | None = None) -> CocoData:
    """Return the contents of a COCO file with every record checked.

    An annotation is usable for masks when it is a finite box of a category on an image of the file, and for labels when
    that box is larger than `MIN_BOX_SIDE` and lies in its image, too. For boxes one with a mask, or of a crowd, needs
    none. Annotations whose image_id several photos have are of none of them.

    Args:
        path: The file.
        need: What it is read for.
        folder: Of the photos, where the file's names are looked for; None takes the names as they are.

    Raises:
        DataError: The file cannot be read or is not a COCO file.
    """
    return check_coco(load_coco(path), need, None if folder is None else Path(folder))


def check_coco(contents: dict[str, Any], need: Need, folder: Path | None = None) -> CocoData:
    """Return what `read_coco` does, from contents that are loaded."""
    records = [record for record in contents["annotations"] if isinstance(record, dict)]
    table = read_categories(contents["categories"], {as_id(record.get("category_id")) for record in records})
    used = {as_id(record.get("image_id")) for record in records}
    images, by_id, unclear, problems = _images(contents["images"], used, folder)
    reader = _AnnotationReader(by_id, unclear, table, need)
    annotations = [reader.read(record) for record in contents["annotations"]]
    problems = [*table.problems, *problems]
    for checked in annotations:
        if checked.problem:
            problems.append(checked.problem)
        problems += checked.damage
    return CocoData(contents, table.categories, images, annotations, problems, table.places)


def load_coco(path: str | Path) -> dict[str, Any]:
    """Return the contents of a COCO file, of which only the three lists are checked to be there.

    Raises:
        DataError: The file cannot be read or is not a COCO file.
    """
    path = Path(path)
    try:
        contents = loads(to_utf8(read_regular(path), path))
    except LargeFileError as error:
        raise DataError(str(error)) from None
    except OSError as error:
        raise DataError(tr("{file} cannot be read: {reason}.", file=path, reason=os_reason(error))) from None
    except TextError as error:
        raise DataError(str(error)) from None
    except ValueError:
        raise DataError(tr("{file} is not JSON.", file=path)) from None
    if is_results(contents):
        raise DataError(results_refused(path))
    kinds = ("images", "annotations", "categories")
    if not isinstance(contents, dict) or any(not isinstance(contents.get(kind), list) for kind in kinds):
        text = tr("{file} is not a COCO file: it needs the lists {lists}.", file=path, lists=", ".join(kinds))
        raise DataError(text)
    return contents


def _images(
    entries: list[Any], used: set[int | str | None], folder: Path | None
) -> tuple[list[CheckedImage], dict[int | str | None, dict[str, Any]], frozenset[int | str], list[Problem]]:
    """Return the entries of `images`, those that annotations can be of by id, ids of several photos, and problems."""
    problems = [
        Problem("record", "", tr("entry {n} of its images is no record", n=n))
        for n, entry in enumerate(entries, 1)
        if not isinstance(entry, dict)
    ]
    records = [entry for entry in entries if isinstance(entry, dict)]
    names = [as_file_name(record) for record in records]
    matches = find_photos(names, folder) if folder else NameMatches()
    photos = [matches.photos.get(name, with_slashes(name)) for name in names]
    ids, unclear = unique_ids([as_id(record.get("id")) for record in records], photos, used)
    images: list[CheckedImage] = []
    by_id: dict[int | str | None, dict[str, Any]] = {}
    by_name: dict[str, dict[str, Any]] = {}
    for entry, number, name, photo in zip(records, ids, names, photos, strict=True):
        (width, height), problem = _size(entry, photo, folder)
        record = {**entry, "id": number, "file_name": photo, "width": width, "height": height}
        if number in unclear:
            problem = Problem("image_unclear", photo, tr("{photo} has the id of another photo", photo=photo))
        elif not name or name in matches.ambiguous:
            text = tr("the file name {name!r} may mean several photos, or none", name=name)
            problem = Problem("image_name", name, text)
        elif photo in by_name:  # what its annotations are of
            problem = Problem("image_twice", photo, tr("{photo} is listed more than once", photo=photo))
            record = by_name[photo]
        if problem:
            problems.append(problem)
        images.append(CheckedImage(record, problem if problem and problem.kind != "image_turned" else None))
        if number not in unclear:
            by_id.setdefault(number, record)
            by_name.setdefault(photo, record)
    return images, by_id, unclear, problems


def _size(entry: dict[str, Any], photo: str, folder: Path | None) -> tuple[tuple[int, int], Problem | None]:
    """Return the (width, height) of an entry's photo, (0, 0) where nothing gives it, and what is wrong with it.

    What the entry gives counts, unless that is the size before the photo was turned upright as its EXIF data say.
    """
    given = _size_in_file(entry)
    real = _size_of(photo, folder)
    if given is None:
        wrong = Problem("image_size", photo, tr("{photo} has no size", photo=photo))
        return real or (0, 0), None if real else wrong
    if real is not None and folder is not None and is_turned(folder / photo, given, real):
        text = tr("the size of {photo} is that before it was turned upright; it is understood", photo=photo)
        return real, Problem("image_turned", photo, text)
    if real is not None and given != real:
        text = tr("{photo}: {problem}", photo=photo, problem=_other_size(real, given).rstrip("."))
        return given, Problem("other_size", photo, text)
    if given[0] * given[1] > masks.MAX_PIXELS:
        return given, Problem("image_size", photo, tr("{photo} has a size that no photo has", photo=photo))
    return given, None


def _size_in_file(entry: dict[str, Any]) -> tuple[int, int] | None:
    """Return the (width, height) that an entry gives, be it one that no photo has."""
    width, height = as_whole(entry.get("width")), as_whole(entry.get("height"))
    return (width, height) if width is not None and height is not None and min(width, height) > 0 else None


def _size_of(name: str, folder: Path | None) -> tuple[int, int] | None:
    """Return the (width, height) of a photo of the folder, None where it cannot be read."""
    if folder is None or not is_inside(name):
        return None
    try:
        return photo_size(folder / name)
    except PhotoError:
        return None


@dataclass(frozen=True)
class _AnnotationReader:
    images: dict[int | str | None, dict[str, Any]]
    unclear: frozenset[int | str]
    table: CategoryTable
    need: Need

    @cached_property
    def points(self) -> dict[int | None, int]:
        return {category.id: len(category.keypoint_names) for category in self.table.categories}

    def read(self, record: Any) -> CheckedAnnotation:  # noqa: ANN401 - whatever the file has
        problem = check_reference(record, self.images)
        if isinstance(record, dict) and as_id(record.get("image_id")) in self.unclear:
            where = short(record.get("id"))
            text = tr("annotation {id} may be of several photos, which have the same id", id=where)
            problem = Problem("image_unclear", where, text)
        if problem:
            return CheckedAnnotation(record, None, problem)
        image = self.images[as_id(record["image_id"])]
        size, where = (image["width"], image["height"]), image["file_name"]
        if self.need == "labels":
            problem = check_annotation(record, *size, self.table.ids, where)
        elif self.need == "masks":
            problem = check_box(record, self.table.ids, where)
        elif self._has_outline(record) or as_flag(record.get("iscrowd")):
            problem = check_class(record, where)
        else:
            problem = check_class(record, where) or check_corners(record, where)
        if problem:
            return CheckedAnnotation(record, image, problem)
        return self._clean(record, image, size, where)

    def _has_outline(self, record: dict[str, Any]) -> bool:
        given = record.get("segmentation")
        return bool(given) and not stands_for_box(given)

    def _clean(
        self, record: dict[str, Any], image: dict[str, Any], size: tuple[int, int], where: str
    ) -> CheckedAnnotation:
        key = as_id(record.get("category_id"))
        category = self.table.ids.get(key)
        clean = {**record, "image_id": image["id"], "category_id": key if category is None else category}
        damage = []
        if "bbox" in record:
            box = as_box(record["bbox"])
            clean["bbox"] = list(box) if box else None
        if "iscrowd" in record:
            clean["iscrowd"] = int(as_flag(record["iscrowd"]))
        if "segmentation" in record:
            shape, wrong = as_segmentation(record["segmentation"], size if min(size) > 0 else None)
            clean["segmentation"] = _near(shape, size) if isinstance(shape, list) else shape
            if wrong and not (self.need == "boxes" and stands_for_box(record["segmentation"])):
                damage.append(check_mask(record["segmentation"], wrong, where))
        if "keypoints" in record:
            wrong_points = check_keypoints(record, self.points.get(category, 0), where)
            damage += [wrong_points] if wrong_points else []
            clean["keypoints"] = (as_keypoints(record["keypoints"]) or []) if not wrong_points else []
        for key in ("area", "score"):
            if key in record:
                clean[key] = as_number(record[key])
        if self.need == "boxes":  # what is not understood is no reason to replace it
            points = record.get("keypoints") or []
            clean |= {"segmentation": record.get("segmentation") if self._has_outline(record) else None}
            clean |= {"keypoints": points if isinstance(points, list) else [points]}
        return CheckedAnnotation(clean, image, None, tuple(damage))


def _near(rings: list[list[float]], size: tuple[int, int]) -> list[list[float]] | None:
    """Return rings without what lies so far outside their photo that pycocotools would take gigabytes for it."""
    far = 3 * max(size)
    if all(max(ring) <= far and min(ring) >= -far for ring in rings):
        return rings
    cut = [masks.nearby(np.reshape(ring, (-1, 2)), size) for ring in rings]
    return [ring.ravel().tolist() for ring in cut if len(ring) >= 3] or None


def has_pixels(segmentation: list[list[float]] | dict[str, Any] | None, size: tuple[int, int]) -> bool:
    """Return whether a segmentation that was read covers a pixel of its image of (width, height)."""
    return segmentation is not None and rle.area(rle.from_coco(segmentation, size[::-1])) > 0


def with_numbers(contents: dict[str, Any]) -> dict[str, Any]:
    """Return a COCO file's contents with its photos numbered, where the id of one is text: pycocotools sorts them."""
    numbers = {image["id"]: number for number, image in enumerate(contents["images"], 1)}
    if all(isinstance(photo, int) for photo in numbers):
        return contents
    images = [{**image, "id": numbers[image["id"]]} for image in contents["images"]]
    annotations = [{**record, "image_id": numbers[record["image_id"]]} for record in contents["annotations"]]
    return {**contents, "images": images, "annotations": annotations}


def read_image(folder: Path, image: dict[str, Any]) -> ReducedPhoto:
    """Return the photo of an entry of a COCO file's `images`, as a model is given it.

    Raises:
        dataset.pictures.images.PhotoError: It cannot be read, has another size than the file says, or lies outside
            the folder.
    """
    if not is_inside(image["file_name"]):
        raise PhotoError(tr("Its name leads out of the folder of the photos."))
    photo = read_reduced(folder / image["file_name"])
    check_size(photo.size, image)
    return photo


def check_size(size: tuple[int, int], image: dict[str, Any]) -> None:
    """Check that a photo of (width, height) has the size that an entry of a COCO file's `images` names, if it does.

    Raises:
        dataset.pictures.images.PhotoError: It has another one.
    """
    width, height = size
    given = (image.get("width") or width, image.get("height") or height)
    if size != given:
        raise PhotoError(_other_size(size, given))


def _other_size(size: tuple[int, int], given: tuple[int, int]) -> str:
    return tr(
        "It has {width} x {height} pixels, but {file_width} x {file_height} in the file; `rescale` brings the "
        "annotations to the size that it has.",
        width=size[0],
        height=size[1],
        file_width=given[0],
        file_height=given[1],
    )


def unusable_photos(file: Path, folder: Path, reasons: Sequence[str | Exception], *, option: str = "") -> DataError:
    """Return the error that none of the photos of a file can be used: why the first cannot, where they are there.

    Args:
        file: The COCO file.
        folder: Where its photos were looked for.
        reasons: Why each cannot be used.
        option: The option of a command that names the folder.
    """
    missing = tr("The file does not exist.")
    others = [str(reason) for reason in reasons if str(reason) != missing]
    if others:
        return DataError(tr("None of the photos of {file} can be used. {reason}", file=file, reason=others[0]))
    text = tr("None of the photos of {file} can be read: is {folder} their folder?", file=file, folder=folder)
    return DataError(" ".join((text, tr("Name it with {option}.", option=option))) if option else text)


def opens(path: Path) -> bool:
    """Return whether a file is a photo, as far as its header shows."""
    try:
        photo_size(path)
    except PhotoError:
        return False
    return True
