"""What a check finds: a plain record each, of one of the kinds that are listed here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dataset.i18n import mark, tr

if TYPE_CHECKING:
    from collections.abc import Mapping

Repair = Literal["", "record", "shape", "object"]
"""What is repaired: nothing; a field of the file; the outline of an object; the object goes."""


@dataclass(frozen=True, slots=True)
class CheckKind:
    """One way in which a data set can be wrong."""

    name: str
    """For the command line and machines."""
    title: str
    """Of all of them together; given to `mark`."""
    text: str
    """Of one of them, with fields; given to `mark`."""
    repair: Repair = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    kind: str
    """Name of its `CheckKind`."""
    photo: str = ""
    """Path of the photo in its folder, else its `file_name`; "" where it is about no photo."""
    annotation: int | str | None = None
    """Id of the object, as it is compared; None where it is about none."""
    values: Mapping[str, object] | None = None
    """Fields of the sentence."""
    place: int = -1
    """Index in the file's list of annotations, of images where it is about no object, or of categories; -1 for none."""

    @property
    def text(self) -> str:
        """What is wrong, in the person's language; no full stop."""
        return tr(KINDS[self.kind].text, **self.values) if self.values else tr(KINDS[self.kind].text)


_KINDS = (
    # References
    CheckKind("record", mark("Entries that are no records"), mark("entry {n} of {list} is no record")),
    CheckKind("image_id", mark("Photos without an id"), mark("the photo has no id"), "record"),
    CheckKind("image_id_twice", mark("Photos that share an id"), mark("the id {id} is that of another photo, too"),
              "record"),
    CheckKind("image_id_unclear", mark("Photos that share an id that objects have"),
              mark("the id {id} is that of another photo, too, and objects may be of either")),
    CheckKind("image_twice", mark("Photos that are listed twice"), mark("the photo is listed more than once")),
    CheckKind("id", mark("Objects without an id"), mark("the object has no id"), "record"),
    CheckKind("id_twice", mark("Objects that share an id"), mark("the id is that of another object, too"), "record"),
    CheckKind("image_reference", mark("Objects of no photo"), mark("its image_id {id} is of no photo")),
    CheckKind("class_reference", mark("Objects of no class"), mark("its category_id {id} is of no class")),
    CheckKind("class_id", mark("Classes without an id, or with one that others have"),
              mark("{name} has no id of its own"), "record"),
    CheckKind("class_name", mark("Classes without a name"), mark("class {id} has no name")),
    CheckKind("class_alike", mark("Classes that differ by case or space only"),
              mark("{name} and {other} are told apart by case or space alone")),
    CheckKind("skeleton", mark("Damaged keypoints of classes"), mark("{problem}")),
    # Shapes
    CheckKind("outline", mark("Outlines that are none"),
              mark("its outline has rings of fewer than three points, or of what are no numbers"), "shape"),
    CheckKind("degenerate", mark("Outlines without an area"), mark("its outline encloses nothing"), "shape"),
    CheckKind("crossing", mark("Outlines that cross themselves"), mark("its outline crosses itself"), "shape"),
    CheckKind("mask", mark("Damaged masks"), mark("its mask does not fill the size that it gives, or is too large")),
    CheckKind("mask_size", mark("Masks of another size than the photo"),
              mark("its mask is of {mask_width} x {mask_height} pixels, its photo of {width} x {height}")),
    CheckKind("outside", mark("Objects that reach out of the photo"),
              mark("it reaches {n:.4g} pixels out of the photo"), "shape"),
    CheckKind("wholly_outside", mark("Objects outside the photo"), mark("nothing of it is in the photo")),
    CheckKind("fractions", mark("Objects in fractions of the photo"),
              mark("its coordinates are fractions of the photo, not pixels")),
    CheckKind("box", mark("Objects without a box"), mark("its bbox is missing, or is not four numbers"), "record"),
    CheckKind("box_side", mark("Boxes without an area"), mark("its box is {width:.6g} x {height:.6g} pixels")),
    CheckKind("box_wrong", mark("Boxes that are not around their outlines"),
              mark("its bbox is {given}, around its outline would be {right}"), "record"),
    CheckKind("area_wrong", mark("Wrong areas"), mark("its area is given as {given}, its outline has {right:.6g}"),
              "record"),
    CheckKind("keypoints", mark("Keypoints that its class does not have"),
              mark("it has other keypoints than its class, or damaged ones")),
    CheckKind("num_keypoints", mark("Wrong numbers of keypoints"),
              mark("its num_keypoints is {given}, {right} are labelled"), "record"),
    CheckKind("keypoint_outside_box", mark("Keypoints outside their boxes"),
              mark("keypoint {n} is {distance:.4g} pixels outside its box")),
    CheckKind("keypoint_outside", mark("Keypoints outside the photo"), mark("keypoint {n} is outside the photo")),
    # Objects
    CheckKind("object_copy", mark("Objects that are there twice"), mark("it is exactly object {other} once more"),
              "object"),
    CheckKind("object_near", mark("Objects that are nearly the same"),
              mark("it covers what object {other} of its class covers (IoU {iou:.2f})")),
    # Photos
    CheckKind("photo_name", mark("Photos without a clear name"),
              mark("the file name {name} may mean several photos, or none")),
    CheckKind("photo_missing", mark("Photos that are not there"), mark("the photo is not in the folder")),
    CheckKind("photo_unreadable", mark("Photos that cannot be read"), mark("the photo cannot be read: {reason}")),
    CheckKind("photo_unlisted", mark("Photos that the file does not list"),
              mark("the photo is in the folder, but not in the file")),
    CheckKind("size_missing", mark("Photos without a size"), mark("the file gives no size that a photo can have"),
              "record"),
    CheckKind("size_turned", mark("Sizes from before the photo was turned upright"),
              mark("its size is that from before it was turned upright"), "record"),
    CheckKind("size_wrong", mark("Photos of another size than the file says"),
              mark("it has {width} x {height} pixels, but {file_width} x {file_height} in the file")),
    CheckKind("photo_copy", mark("Photos that are there twice"), mark("it is the same file as {other}")),
    CheckKind("photo_near", mark("Photos that look the same"), mark("it looks like {other}")),
    # The work
    CheckKind("unanswered", mark("Done photos with sure suggestions left"),
              mark("a suggestion of {score:.2f} was left unanswered when it was marked done")),
)  # fmt: skip

KINDS = {kind.name: kind for kind in _KINDS}
"""All kinds by name, in the order in which they are listed."""
