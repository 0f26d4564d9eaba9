"""The labels in the meta data of a CVAT file, and the classes that they are.

A label of CVAT is either a skeleton or may be anything else. So a class whose objects have outlines and keypoints is
two labels here: one of its name, and one of its name with SKELETON after it. Points of a skeleton are labels with a
`parent`, in order; its edges are in an SVG drawing of it, between nodes that are numbered from 1.
"""

from __future__ import annotations

import html
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement, tostring

from dataset.coco.categories import MAX_KEYPOINTS
from dataset.coco.values import as_color, as_number, as_whole
from dataset.formats.base import ClassRecord
from dataset.formats.safe_xml import XmlError, parse_xml, xml_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SKELETON = " skeleton"
"""After the name of a class: its label for keypoints."""
UNNAMED = "object"


@dataclass(slots=True)
class CvatLabel:
    """A label, while it is read."""

    name: str
    color: str = ""
    is_skeleton: bool = False
    inputs: dict[str, str] = field(default_factory=dict)
    """By attribute, how it is put in: `checkbox`, `number`, `text`, `select`, `radio`."""
    points: dict[str, None] = field(default_factory=dict)
    """Names of a skeleton's points, in order."""
    edges: tuple[tuple[str, str], ...] = ()
    """By the names of the points."""


def label_of(element: Element) -> str:
    """Return the label of a shape."""
    return (element.get("label") or "").strip() or UNNAMED


def add_labels(labels: dict[str, CvatLabel], meta: Element) -> None:
    """Add the labels of the meta data, by name."""
    for element in meta.iterfind(".//label"):
        name, parent = _text(element, "name"), _text(element, "parent")
        if parent:
            _add_point(labels.setdefault(parent, CvatLabel(parent, is_skeleton=True)), name)
        elif name:
            found = labels.setdefault(name, CvatLabel(name))
            found.color = as_color(_text(element, "color"))
            found.is_skeleton |= _text(element, "type") == "skeleton"
            found.inputs = {_text(a, "name"): _text(a, "input_type") for a in element.iterfind("attributes/attribute")}
            found.edges = _edges(_text(element, "svg"))


def add_unknown_labels(labels: dict[str, CvatLabel], image: Element) -> None:
    """Add the labels that only the shapes of an image have."""
    for element in image:
        if element.tag == "tag":
            continue
        name = label_of(element)
        found = labels.setdefault(name, CvatLabel(name, is_skeleton=element.tag == "skeleton"))
        if element.tag == "skeleton":
            for point in element.iterfind("points"):
                _add_point(found, label_of(point))
        elif element.tag == "points" and not found.is_skeleton:
            for number in range(min((element.get("points") or "").count(";") + 1, MAX_KEYPOINTS)):
                _add_point(found, str(number + 1))


def class_name(label: str, labels: Mapping[str, CvatLabel]) -> str:
    """Return the class that a label is."""
    owner = label.removesuffix(SKELETON)
    return owner if label in labels and labels[label].is_skeleton and owner in labels else label


def to_classes(labels: Mapping[str, CvatLabel]) -> dict[str, ClassRecord]:
    """Return the classes by name."""
    classes: dict[str, ClassRecord] = {}
    for label in labels.values():
        name = class_name(label.name, labels)
        points = list(label.points)
        places = {point: place for place, point in enumerate(points)}
        edges = tuple((places[a], places[b]) for a, b in label.edges if a in places and b in places)
        old = classes.get(name, ClassRecord(name))
        color = old.color if name != label.name and old.color else label.color or old.color
        if points and not old.keypoint_names:
            classes[name] = ClassRecord(name, color, "", tuple(points), edges)
        else:
            classes[name] = ClassRecord(name, color, "", old.keypoint_names, old.skeleton)
    return classes


def _add_point(label: CvatLabel, name: str) -> None:
    if name and len(label.points) < MAX_KEYPOINTS:
        label.points[name] = None


def _text(element: Element, name: str) -> str:
    return (element.findtext(name) or "").strip()


def _edges(svg: str) -> tuple[tuple[str, str], ...]:
    """Return the edges that a drawing has between points with a name; none where it is damaged."""
    if not svg:
        return ()
    if "<" not in svg or 'data-type="' not in svg:
        svg = html.unescape(svg)
    try:
        root = parse_xml(f"<svg>{svg}</svg>".encode(errors="replace"), Path())
    except XmlError:
        return ()
    names = {node.get("data-node-id"): node.get("data-label-name") for node in root.iter("circle")}
    ends = ((names.get(e.get("data-node-from")), names.get(e.get("data-node-to"))) for e in root.iter("line"))
    return tuple((a, b) for a, b in ends if a and b)


# Writing


def write_labels(
    parent: Element,
    classes: Iterable[ClassRecord],
    skeletons: Mapping[str, str],
    inputs: Mapping[str, Mapping[str, Any]],
) -> None:
    """Add the labels of classes.

    Args:
        parent: The element of the meta data that has them.
        classes: To write.
        skeletons: By class, the label of its keypoints; of those that have keypoints.
        inputs: By label and attribute, a list of its values.
    """
    for record in classes:
        skeleton = skeletons.get(record.name)
        if skeleton != record.name:
            _write_label(parent, record.name, record.color, "any", inputs.get(record.name, {}))
        if skeleton is not None:
            element = _write_label(parent, skeleton, record.color, "skeleton", inputs.get(skeleton, {}))
            SubElement(element, "svg").text = _drawing(record.keypoint_names, record.skeleton)
            for name in record.keypoint_names:
                point = _write_label(parent, name, record.color, "points", {})
                SubElement(point, "parent").text = xml_text(skeleton)


def _write_label(parent: Element, name: str, color: str, kind: str, inputs: Mapping[str, Sequence[Any]]) -> Element:
    label = SubElement(parent, "label")
    SubElement(label, "name").text = xml_text(name)
    SubElement(label, "color").text = color
    SubElement(label, "type").text = kind
    attributes = SubElement(label, "attributes")
    for attribute, values in inputs.items():
        kind, choice = _input_type(values)
        element = SubElement(attributes, "attribute")
        SubElement(element, "name").text = xml_text(attribute)
        SubElement(element, "mutable").text = "False"
        SubElement(element, "input_type").text = kind
        SubElement(element, "default_value").text = {"checkbox": "false", "number": choice.partition("\n")[0]}.get(kind)
        SubElement(element, "values").text = choice
    return label


def _input_type(values: Sequence[Any]) -> tuple[str, str]:
    """Return how CVAT has an attribute put in, and what it has to choose from: of numbers least, greatest and step."""
    if all(isinstance(value, bool) for value in values):
        return "checkbox", "false"
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        step = "1" if all(isinstance(value, int) for value in values) else "0.01"
        return "number", f"{min(values)}\n{max(values)}\n{step}"
    return "text", ""


def attribute_text(value: object) -> str:
    """Return the text of an attribute's value."""
    return str(value).lower() if isinstance(value, bool) else xml_text(str(value))


def attribute_value(text: str, kind: str) -> str | int | float | bool:
    """Return the value of an attribute as its label has it put in; text where it is not of that kind."""
    if kind == "checkbox" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind == "number":
        number = as_number(text) if set(text) & set(".eE") else as_whole(text)
        return text if number is None else number
    return text


def _drawing(names: Sequence[str], edges: Iterable[tuple[int, int]]) -> str:
    """Return a skeleton as CVAT draws one: nodes around a circle in a field of 100 x 100, and edges."""
    angles = [2 * math.pi * place / max(len(names), 1) for place in range(len(names))]
    places = [(f"{50 + 40 * math.sin(a):.2f}", f"{50 - 40 * math.cos(a):.2f}") for a in angles]
    svg = Element("svg")
    for a, b in edges:
        (x1, y1), (x2, y2) = places[a], places[b]
        ends = {"data-node-from": str(a + 1), "data-node-to": str(b + 1)}
        fields = {"x1": x1, "y1": y1, "x2": x2, "y2": y2, "stroke": "black", "stroke-width": "0.5"}
        SubElement(svg, "line", fields | {"data-type": "edge"} | ends)
    for number, (name, (x, y)) in enumerate(zip(names, places, strict=True), 1):
        node = {"data-type": "element node", "data-element-id": str(number), "data-node-id": str(number)}
        look = {"r": "1.5", "stroke": "black", "fill": "#b3b3b3", "cx": x, "cy": y, "stroke-width": "0.1"}
        SubElement(svg, "circle", look | node | {"data-label-name": xml_text(name)})
    return "".join(tostring(element, "unicode", short_empty_elements=False) for element in svg)
