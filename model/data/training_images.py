"""Training photos from COCO files, several of them together, each with what it labels and what it leaves out."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from dataset import rle
from dataset.categories import Category, from_coco
from dataset.coco_checks import MAX_COORDINATE, problem, sound_mask
from dataset.images import PhotoError, photo_size, read_photo
from dataset.messages import UserError
from model.console import print_message
from model.network.targets import MASK_GRID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray


class DataError(UserError):
    """A data set cannot be used; the text is one sentence that names the file and says why."""


@dataclass(frozen=True)
class ObjectLabel:
    """One labelled object. Coordinates are pixels of the upright photo."""

    label: int
    """Class of the model, 1 to classes."""
    box: tuple[float, float, float, float]
    """xyxy."""
    segmentation: Any
    """COCO's polygons or RLE, or None."""
    keypoints: tuple[float, ...]
    """x, y, visibility of each; empty where none are labelled."""


@dataclass
class TrainingImage:
    """One photo with its labels."""

    path: Path
    width: int
    height: int
    instances: list[ObjectLabel] = field(default_factory=list)
    crowds: list[tuple[float, float, float, float]] = field(default_factory=list)
    """Boxes, xyxy, in which single objects were not told apart."""
    complete: tuple[bool, ...] = ()
    """[classes + 1]: the classes of which every instance is labelled; index 0 is background."""


@dataclass(frozen=True)
class Source:
    """A COCO file to train on."""

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


def read_coco(path: Path) -> dict[str, Any]:
    """Return the contents of a COCO file.

    Raises:
        DataError: The file cannot be read or is not a COCO file.
    """
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError):  # the latter of lists in lists, thousands deep
        raise DataError(f"{path} is not JSON.") from None
    kinds = ("images", "annotations", "categories")
    if not isinstance(data, dict) or any(not isinstance(data.get(kind), list) for kind in kinds):
        raise DataError(f"{path} is not a COCO file: it needs the lists {', '.join(kinds)}.")
    return data


def sized(record: Any, file: Path) -> dict[str, Any]:  # noqa: ANN401 - whatever the file has
    """Return an entry of a COCO file's `images` with its width and height as whole numbers.

    Raises:
        DataError: It lacks its id, file_name, width or height, or one of them is none.
    """
    try:
        size = {"width": int(record["width"]), "height": int(record["height"])}
        if isinstance(record["id"], int | str) and isinstance(record["file_name"], str) and min(size.values()) > 0:
            return {**record, **size}
    except (KeyError, TypeError, ValueError, OverflowError):
        pass
    raise DataError(f"{file} is not a proper COCO file: an image lacks its id, file_name, width or height.")


def read_image(folder: Path, image: dict[str, Any]) -> NDArray[np.uint8]:
    """Return the photo [height, width, 3] of an entry of a COCO file's `images`.

    Raises:
        dataset.images.PhotoError: It cannot be read, or has another size than the file says.
    """
    photo = read_photo(folder / image["file_name"])
    check_size((photo.shape[1], photo.shape[0]), image)
    return photo


def check_size(size: tuple[int, int], image: dict[str, Any]) -> None:
    """Check that a photo of (width, height) has the size that an entry of a COCO file's `images` names, if it does.

    Raises:
        dataset.images.PhotoError: It has another one.
    """
    width, height = size
    if size != (image.get("width", width), image.get("height", height)):
        raise PhotoError(f"It has {width} x {height} pixels, but {image['width']} x {image['height']} in the file.")


def classes_of(files: Iterable[tuple[Path, dict[str, Any]]], *, by_supercategory: bool) -> list[Category]:
    """Return the classes that COCO files label, in the order in which they first appear, numbered from 1.

    Files are joined by name. With `by_supercategory` every supercategory is one class.

    Raises:
        DataError: A category is not as COCO has it.
    """
    found: dict[str, Category] = {}
    for path, data in files:
        for record in data["categories"]:
            try:
                category = from_coco(record)
            except ValueError as error:
                raise DataError(f"{path}: {error}.") from None
            name = (category.supercategory or category.name) if by_supercategory else category.name
            # Keypoints belong to a name: a class of several categories has none unless it has the name of one.
            points, skeleton = (category.keypoint_names, category.skeleton) if category.name == name else ((), ())
            old = found.get(name)
            if old is None:
                found[name] = Category(len(found) + 1, name, category.supercategory, points, skeleton)
            elif points and not old.keypoint_names:
                found[name] = Category(old.id, name, old.supercategory, points, skeleton)
    return list(found.values())


def read_photos(
    sources: list[Source],
    classes: list[Category],
    *,
    by_supercategory: bool,
    tell: Callable[[str], None] = print_message,
) -> list[TrainingImage]:
    """Return all photos of the sources with labels that count in `classes`; what cannot be used is left out.

    Which classes a photo labels completely follows from its file: a class is complete when all the categories that make
    it up in any of the files stand in this one, and the file is not `partial`.

    Args:
        sources: The files.
        classes: What is learned, in the order of the model's classes.
        by_supercategory: As in `classes_of`.
        tell: Is told, in one sentence for each file, how much of it is left out.

    Raises:
        DataError: A file cannot be read, is not a COCO file, or nothing of it can be used.
    """
    files = [(source, read_coco(source.annotations)) for source in sources]
    label_of_class = {c.name: i for i, c in enumerate(classes, 1)}
    members: dict[int, set[str]] = {}
    for _, data in files:
        for record in data["categories"]:
            label = label_of_class.get(_class_name(record, by_supercategory=by_supercategory))
            if label is not None:
                members.setdefault(label, set()).add(record["name"])
    photos: list[TrainingImage] = []
    for source, data in files:
        names = {record["name"] for record in data["categories"]}
        complete = tuple(
            label == 0 or (not source.partial and label in members and members[label] <= names)
            for label in range(len(classes) + 1)
        )
        labels = {
            record["id"]: label_of_class.get(_class_name(record, by_supercategory=by_supercategory))
            for record in data["categories"]
        }
        found, left = _photos_of(source, data, labels, complete)
        if left:
            parts = ", ".join(f"{n} {kind.format(s='' if n == 1 else 's')}" for kind, n in left.items())
            tell(f"{source.annotations}: left out {parts}.")
        photos += found
    return photos


def _class_name(record: dict[str, Any], *, by_supercategory: bool) -> str:
    return (record.get("supercategory") or record["name"]) if by_supercategory else record["name"]


def _photos_of(
    source: Source, data: dict[str, Any], labels: dict[int, int | None], complete: tuple[bool, ...]
) -> tuple[list[TrainingImage], Counter[str]]:
    """Return the photos of a file that can be used, and how many of what are left out."""
    left: Counter[str] = Counter()
    try:
        every = {image["id"]: _photo(source.folder(), image, complete, left) for image in data["images"]}
        photos = [photo for photo in every.values() if photo]
        if every and not any(opens(photo.path) for photo in photos):
            raise DataError(
                f"None of the photos of {source.annotations} can be read: is {source.folder()} their folder?"
            )
        for record in data["annotations"]:
            if record["image_id"] not in every:
                left["annotation{s} of no photo"] += 1
            elif photo := every[record["image_id"]]:
                _add_label(photo, record, labels, left)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{source.annotations} is not a proper COCO file: {error!r}.") from None
    if data["annotations"] and left.total() and not any(photo.instances or photo.crowds for photo in photos):
        raise DataError(
            f"None of the annotations of {source.annotations} can be used: their boxes, classes or photos are wrong."
        )
    return photos, left


def _photo(folder: Path, image: dict[str, Any], complete: tuple[bool, ...], left: Counter[str]) -> TrainingImage | None:
    photo = TrainingImage(folder / image["file_name"], int(image["width"]), int(image["height"]), complete=complete)
    if min(photo.width, photo.height) < 1:
        left["photo{s} without a size"] += 1
    elif not photo.path.is_file():
        left["photo{s} without a file"] += 1
    else:
        return photo
    return None


def opens(path: Path) -> bool:
    """Return whether a file is a photo, as far as its header tells."""
    try:
        photo_size(path)
    except PhotoError:
        return False
    return True


def _add_label(photo: TrainingImage, record: dict[str, Any], labels: dict[int, int | None], left: Counter[str]) -> None:
    """Add an annotation to its photo, if it can be used and is of a class that counts."""
    if problem(record, photo.width, photo.height, labels):
        left["annotation{s} without a usable box or class"] += 1
        return
    label = labels[record["category_id"]]
    if label is None:
        return
    x, y, w, h = (float(v) for v in record["bbox"])
    box = (x, y, x + w, y + h)
    if record.get("iscrowd", 0):
        photo.crowds.append(box)
        return
    shape = record.get("segmentation") or None
    if shape and not sound_mask(shape, photo.width, photo.height):
        left["damaged mask{s}"] += 1
        shape = None
    points = keypoints_of(record)
    if points is None:
        left["damaged list{s} of keypoints"] += 1
    photo.instances.append(ObjectLabel(label, box, shape, points or ()))


def keypoints_of(record: dict[str, Any]) -> tuple[float, ...] | None:
    """Return an annotation's keypoints, none where none is labelled, or None when they are damaged."""
    try:
        points = tuple(float(v) for v in record.get("keypoints") or ())
    except (TypeError, ValueError, OverflowError):
        return None
    if len(points) % 3 or not all(abs(v) < MAX_COORDINATE for v in points):  # which NaN is not, either
        return None
    return points if any(v > 0 for v in points[2::3]) else ()


def instance_mask(
    instance: ObjectLabel, width: int, height: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32]] | None:
    """Return an instance's mask as a grid over its own extent, or None where it has no mask.

    Returns:
        [MASK_GRID, MASK_GRID] uint8, the share of each cell that is object, times 255; and where the grid lies: xyxy,
        float32.
    """
    segmentation = instance.segmentation
    if not segmentation:
        return None
    mask = rle.decode(rle.from_coco(segmentation, (height, width)))
    rows, columns = np.flatnonzero(mask.max(1)), np.flatnonzero(mask.max(0))
    if len(rows) == 0:
        return None
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    crop = np.ascontiguousarray(mask[top:bottom, left:right]) * np.uint8(255)
    # Area averaging when shrinking; when enlarging, linear interpolation keeps the outline between the pixels.
    shrinks = max(crop.shape) > MASK_GRID
    grid = cv2.resize(crop, (MASK_GRID, MASK_GRID), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return grid.astype(np.uint8), np.array([left, top, right, bottom], np.float32)
