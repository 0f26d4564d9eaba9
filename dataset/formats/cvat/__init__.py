"""CVAT's annotations, "CVAT for images 1.1": one XML file for all images.

An object of one outline is a polygon or a box; one of several parts or with holes is a mask, which CVAT keeps as runs
along the rows of its bounding box. Keypoints are a skeleton; where their object has an outline, too, both have one
`group_id`. What CVAT has no field for is an attribute, as Datumaro names it: `is_crowd` and `score`.
"""

from __future__ import annotations

from collections import Counter
from enum import Enum
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from dataset.coco.values import as_flag, as_number, as_size, as_whole
from dataset.formats import losses as losses_of
from dataset.formats.base import (
    NOTHING,
    ClassRecord,
    Dataset,
    Format,
    FormatError,
    ImageRecord,
    ObjectRecord,
    Point,
    no_progress,
    read_pieces,
)
from dataset.formats.cvat.labels import (
    SKELETON,
    add_labels,
    add_unknown_labels,
    attribute_text,
    attribute_value,
    class_name,
    label_of,
    to_classes,
    write_labels,
)
from dataset.formats.cvat.shapes import SHAPES, keypoints, outline_fields, turn
from dataset.formats.safe_xml import XmlError, xml_children, xml_text
from dataset.formats.stored_images import spooled
from dataset.geometry import from_parts, to_parts
from dataset.i18n import plural, tr
from dataset.masks import is_of_pixels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from dataset.formats.base import OnProgress
    from dataset.formats.cvat.labels import CvatLabel

MAX_BYTES = 512 << 20
_SOURCES = {"drawn": "manual", "suggested": "auto", "edited": "semi-auto"}
_ORIGINS = {source: origin for origin, source in _SOURCES.items()}
_PLACED = frozenset(("attributes", "group_id", "z_order"))


class _Left(Enum):
    """What of a file is left out or changed."""

    KIND = "no kind of shape that has an inside"
    DAMAGED = "damaged"
    TURNED = "a box that is turned"
    TRACK = "a track of a video"


def read(source: Path, images: Path, on_progress: OnProgress = no_progress) -> Dataset:
    """Return the annotations of a file, which is gone over twice: for all labels, then for the shapes.

    Raises:
        FormatError: The file cannot be read, or is not CVAT's.
    """
    labels: dict[str, CvatLabel] = {}
    found = 0
    counts: Counter[_Left] = Counter()
    for element in _elements(source):
        on_progress(0, 1)  # how many there are is not known yet
        if element.tag == "meta":
            add_labels(labels, element)
        elif element.tag == "image":
            add_unknown_labels(labels, element)
            found += 1
        counts[_Left.TRACK] += element.tag == "track"
    if not found:
        text = tr("{file} holds no annotations of CVAT for images.", file=source)
        if counts[_Left.TRACK]:
            text = tr('{file} holds the tracks of a video: have CVAT export it as "CVAT for images 1.1".', file=source)
        raise FormatError(text)
    classes = to_classes(labels)

    def read_images() -> Iterator[ImageRecord]:
        elements = (element for element in _elements(source) if element.tag == "image")
        for number, element in enumerate(elements):
            on_progress(min(number, found), found)
            size = as_size(dict(element.attrib)) or (0, 0)
            yield ImageRecord(element.get("name") or "", size, _to_objects(element, labels, classes, counts))

    records = spooled(read_images())
    return Dataset(images, tuple(classes.values()), records, _sentences(counts))


def _elements(source: Path) -> Iterator[Element]:
    try:
        yield from xml_children(read_pieces(source, MAX_BYTES), source, "annotations")
    except XmlError as error:
        raise FormatError(str(error)) from None


def _sentences(counts: Counter[_Left]) -> tuple[str, ...]:
    kind, damaged, turned, track = (counts[left] for left in _Left)
    said = (
        (turned, plural("{n:,} box is rotated and becomes an outline.",
                        "{n:,} boxes are rotated and become outlines.", turned)),
        (kind, plural("{n:,} entry is neither a box, an outline, a mask nor points and is left out.",
                      "{n:,} entries are neither boxes, outlines, masks nor points and are left out.", kind)),
        (damaged, plural("{n:,} shape cannot be read and is left out.",
                         "{n:,} shapes cannot be read and are left out.", damaged)),
        (track, plural("{n:,} track of a video is left out.", "{n:,} tracks of a video are left out.", track)),
    )  # fmt: skip
    return tuple(sentence for count, sentence in said if count)


def _to_objects(
    image: Element, labels: Mapping[str, CvatLabel], classes: Mapping[str, ClassRecord], counts: Counter[_Left]
) -> tuple[ObjectRecord, ...]:
    records: list[ObjectRecord | None] = []
    groups: dict[tuple[str, int], list[int]] = {}
    for element in image:
        label = label_of(element)
        record = classes[class_name(label, labels)] if label in labels else ClassRecord(label)
        try:
            made = _to_object(element, record, labels.get(label), counts)
        except (ValueError, TypeError, OverflowError):  # numbers that are missing, or none
            counts[_Left.DAMAGED] += 1
            continue
        if made is None:
            counts[_Left.KIND] += 1
            continue
        if isinstance(group := made.extra.get("group_id"), int):
            groups.setdefault((record.name, group), []).append(len(records))
        records.append(made)
    for numbers in groups.values():
        if len(numbers) == 2:
            _join(records, *numbers)
    return tuple(record for record in records if record is not None)


def _join(records: list[ObjectRecord | None], first: int, second: int) -> None:
    """Make one object of an outline and keypoints of one group, where of two objects each has one of the two."""
    a, b = records[first], records[second]
    assert a, "each is in one group"
    assert b, "each is in one group"
    outline, points = (b, a) if a.shape.is_empty else (a, b)
    if outline.keypoints or not points.shape.is_empty:
        return
    extra = {key: value for key, value in outline.extra.items() if key != "group_id"}
    records[first], records[second] = None, None
    records[second if outline is b else first] = ObjectRecord(
        outline.class_name, outline.shape, points.keypoints, outline.is_box, outline.is_crowd, outline.score,
        outline.origin, extra or NOTHING,
    )  # fmt: skip


def _to_object(
    element: Element, record: ClassRecord, label: CvatLabel | None, counts: Counter[_Left]
) -> ObjectRecord | None:
    """Return the object of a shape, None for a kind that has no place here. Raises ValueError or TypeError."""
    points: tuple[Point, ...] = ()
    is_box = element.tag == "box" and not turn(element)
    if element.tag in ("skeleton", "points"):
        points = keypoints(element, record.keypoint_names)
        shape = from_parts([])
    elif element.tag in SHAPES:
        shape = SHAPES[element.tag](element)
        if not shape.geoms:
            raise ValueError("no inside")
    else:
        return None
    counts[_Left.TURNED] += element.tag == "box" and not is_box
    inputs = label.inputs if label else {}
    given: dict[str, Any] = {}
    for entry in element.iterfind("attribute"):
        name = entry.get("name") or ""
        given[name] = attribute_value(entry.text or "", inputs.get(name, "text"))
    if as_flag(element.get("occluded")) and element.tag != "points":
        given["occluded"] = True
    is_crowd = as_flag(given.pop("is_crowd", False))
    score = as_number(given.get("score"))
    if score is not None and 0 <= score <= 1:
        del given["score"]
    else:
        score = None
    extra = {
        "attributes": given,
        "group_id": as_whole(element.get("group_id")),
        "z_order": as_whole(element.get("z_order")),
    }
    origin = _ORIGINS.get(element.get("source") or "", "")
    kept = {key: value for key, value in extra.items() if value}
    return ObjectRecord(record.name, shape, points, is_box, is_crowd, score, origin, kept or NOTHING)


# Writing


def write(data: Dataset, _target: Path) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield the one file of a dataset, in pieces."""
    yield "", _pieces(data)


def _pieces(data: Dataset) -> Iterator[bytes]:
    root = Element("annotations")
    SubElement(root, "version").text = "1.1"
    task = SubElement(SubElement(root, "meta"), "task")
    SubElement(task, "name").text = xml_text(data.folder.name)
    SubElement(task, "size").text = str(len(data.images))
    SubElement(task, "mode").text = "annotation"
    outlined: set[str] = set()
    given: dict[tuple[str, bool], dict[str, list[Any]]] = {}
    for record in data.objects():
        if not record.shape.is_empty:
            outlined.add(record.class_name)
        for name, value in _attributes(record).items():
            given.setdefault((record.class_name, _is_skeleton(record)), {}).setdefault(name, []).append(value)
    skeletons = _skeletons(data.classes, outlined)
    inputs: dict[str, dict[str, list[Any]]] = {}
    for (owner, is_skeleton), values in given.items():
        label = inputs.setdefault(skeletons[owner] if is_skeleton else owner, {})
        for name, found in values.items():
            label.setdefault(name, []).extend(found)
    write_labels(SubElement(task, "labels"), data.classes, skeletons, inputs)
    indent(root)
    head, _, tail = tostring(root, "utf-8", xml_declaration=True).rpartition(b"</annotations>")
    yield head
    names = {c.name: c.keypoint_names for c in data.classes}
    for number, image in enumerate(data.images):
        size = {"width": str(image.size[0]), "height": str(image.size[1])}
        element = Element("image", {"id": str(number), "name": xml_text(image.name)} | size)
        group = max((_group(record) for record in image.objects), default=0)
        for place, record in enumerate(image.objects, 1):
            _write_object(element, record, image.size, group + place, (skeletons, names))
        indent(element, level=1)
        yield b"  " + tostring(element, "utf-8").rstrip() + b"\n"
    yield b"</annotations>" + tail


def _is_skeleton(record: ObjectRecord) -> bool:
    return record.shape.is_empty and bool(record.keypoints)


def _skeletons(classes: Sequence[ClassRecord], outlined: AbstractSet[str]) -> dict[str, str]:
    """Return by class the label of its keypoints: its own name, unless objects have outlines of that label."""
    taken = {c.name for c in classes}
    found = {}
    for record in classes:
        if record.keypoint_names:
            label = record.name + SKELETON if record.name in outlined else record.name
            while record.name in outlined and label in taken:
                label += "'"
            found[record.name] = label
    return found


def _write_object(
    image: Element,
    record: ObjectRecord,
    size: tuple[int, int],
    new_group: int,
    classes: tuple[Mapping[str, str], Mapping[str, Sequence[str]]],
) -> None:
    skeletons, names = classes
    labelled = any(point.visibility for point in record.keypoints)
    outlined = not record.shape.is_empty
    group = new_group if labelled and outlined else _group(record)
    common = {
        "source": _SOURCES.get(record.origin, "manual"),
        "z_order": str(as_whole(record.extra.get("z_order")) or 0),
    }
    common |= {"group_id": str(group)} if group else {}
    attributes = _attributes(record)
    written = []
    if outlined:
        kind, fields = outline_fields(record, size)
        written.append(SubElement(image, kind, {"label": xml_text(record.class_name)} | fields | common))
        occluded = _given(record).get("occluded") is True
        written[0].set("occluded", str(int(occluded)))
    if labelled:
        skeleton = SubElement(image, "skeleton", {"label": xml_text(skeletons[record.class_name])} | common)
        for name, point in zip(names[record.class_name], record.keypoints, strict=False):
            state = {"outside": str(int(not point.visibility)), "occluded": str(int(point.visibility == 1))}
            place = {"points": f"{point.x:.2f},{point.y:.2f}"}
            SubElement(skeleton, "points", {"label": xml_text(name), "source": common["source"]} | state | place)
        written.append(skeleton)
    for name, value in attributes.items() if written else ():
        SubElement(written[0], "attribute", {"name": xml_text(name)}).text = attribute_text(value)


def _given(record: ObjectRecord) -> Mapping[str, Any]:
    given = record.extra.get("attributes")
    return given if isinstance(given, dict) else NOTHING


def _attributes(record: ObjectRecord) -> dict[str, str | int | float | bool]:
    """Return the attributes to write: those of the object that are plain values, and what CVAT has no field for."""
    found: dict[str, Any] = {} if record.score is None else {"score": record.score}
    if record.is_crowd:
        found["is_crowd"] = True
    found |= {name: value for name, value in _given(record).items() if isinstance(value, str | int | float)}
    if not record.shape.is_empty and isinstance(found.get("occluded"), bool):
        del found["occluded"]  # a field
    return found


def _group(record: ObjectRecord) -> int:
    group = record.extra.get("group_id")
    return group if isinstance(group, int) and not isinstance(group, bool) and group > 0 else 0


def losses(data: Dataset) -> list[str]:
    """Return sentences about what CVAT's file cannot hold."""
    masks = bare = grouped = unknown = 0
    for record in data.objects():
        is_labelled = any(point.visibility for point in record.keypoints)
        is_outlined = not record.shape.is_empty
        masks += record.needs_mask and not is_of_pixels(to_parts(record.shape))
        bare += not (is_outlined or is_labelled)
        grouped += is_labelled and is_outlined and "group_id" in record.extra
        unknown += bool(set(record.extra) - _PLACED) or not _are_plain(record)
    names = sum(xml_text(name) != name for name in data.names)
    said = (
        (masks, plural("{n:,} object of several parts or with holes would be a mask of whole pixels.",
                       "{n:,} objects of several parts or with holes would be masks of whole pixels.", masks)),
        (grouped, plural("{n:,} object with an outline and keypoints would lose its group.",
                         "{n:,} objects with an outline and keypoints would lose their groups.", grouped)),
        (bare, losses_of.without_outline(bare)),
        (unknown, losses_of.extra_fields(unknown)),
        (names, plural("{n:,} photo has characters in its name that XML cannot hold.",
                       "{n:,} photos have characters in their names that XML cannot hold.", names)),
    )  # fmt: skip
    return [sentence for count, sentence in said if count]


def _are_plain(record: ObjectRecord) -> bool:
    given = record.extra.get("attributes", {})
    group = record.extra.get("group_id")
    plain = isinstance(given, dict) and all(isinstance(value, str | int | float) for value in given.values())
    return plain and (group is None or _group(record) == group)


FORMAT = Format("cvat", "CVAT XML", ".xml", read, write, passes=2, losses=losses)
