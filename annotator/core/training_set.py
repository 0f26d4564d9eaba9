"""The photos that are done: what a model can learn from, what there is to know about it beforehand, and as COCO."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING

from annotator.core.annotation import NOTHING
from annotator.core.document import new_objects
from annotator.core.store.coco_codec import encode_annotation, encode_category
from dataset.i18n import plural, tr
from dataset.json_text import encode
from dataset.validation_split import MIN_SPLIT, validation_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from annotator.core.annotation import Annotation
    from annotator.core.photo_state import PhotoState
    from annotator.core.store.recorded import RecordedPhotos
    from annotator.core.store.store import Store
    from dataset.coco.categories import Category
    from dataset.formats.base import ClassRecord

MODEL_CLASS = "model_class"  # a category's field in the COCO file: the model's class that it stands for
MIN_PHOTOS = 2  # with objects: one to learn from while the other measures
NAMED = 3  # photos that a sentence names; of the others it gives the number


@dataclass(frozen=True, slots=True)
class TrainingPhoto:
    """A photo that is done, with everything there is to see in it, and what may be there or not."""

    name: str
    """Path relative to the image folder, with forward slashes."""
    state: PhotoState
    """What is on record for it; its size is known."""
    unanswered: tuple[Annotation, ...] = ()
    """Suggestions over the threshold that were neither accepted nor rejected: perhaps objects, and no background."""

    @property
    def is_empty(self) -> bool:
        """Whether it was checked to show nothing."""
        return not (self.state.annotations or self.unanswered)


@dataclass(frozen=True, slots=True)
class ClassFact:
    """A class that photos which are done show: `count` objects; `is_new` where the model does not know it yet."""

    name: str
    color: str
    count: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """What a round would learn from."""

    photos: int
    """How many are done."""
    empty: int
    """How many of them were checked to show nothing."""
    classes: tuple[ClassFact, ...]
    """Those they show, the most frequent first."""
    problems: tuple[str, ...]
    """Sentences about what is in the way, or weak."""
    ready: bool
    """Whether it is enough to begin."""
    unanswered: tuple[str, ...] = ()
    """Names of those with suggestions that nobody answered, which are left out."""

    @property
    def kept_apart(self) -> int:
        """About how many photos measure and do not train; 0 where each measures in turn."""
        return 0 if self.photos < MIN_SPLIT else validation_size(self.photos)


def labelled(
    store: Store | RecordedPhotos,
    names: Iterable[str],
    offered: Mapping[str, tuple[Annotation, ...]] = MappingProxyType({}),
    partly: list[str] | None = None,
) -> Iterator[TrainingPhoto]:
    """Return what is on record for each of these photos; one without a size is left out.

    So is one of which the file has annotations that are not understood: what they are of is no background. Who does
    not mind gives a list, `partly`, to which their names are added.

    It is read as it is asked for, so that a caller with no time can take them one by one. `offered` are suggestions by
    photo, of which those count that nobody has answered by now.
    """
    for name in names:
        state = store.load(name)
        size = state.size if min(state.size) > 0 else store.size_in_file(name)
        hides = store.hides(name)
        if size and hides and partly is not None:
            partly.append(name)
        if size and (partly is not None or not hides):
            unanswered = new_objects(offered.get(name, ()), state.annotations, state.reviewed)
            yield TrainingPhoto(name, replace(state, size=size), unanswered)


def summarize(
    photos: Sequence[TrainingPhoto], categories: Iterable[Category], known: Sequence[str], lost: Sequence[str] = ()
) -> Summary:
    """Say what there is to learn from.

    Args:
        photos: Those that are done.
        categories: The project's classes.
        known: Names of the classes that the model knows.
        lost: Names of photos that are done too, but cannot be read.
    """
    counts = Counter(a.category_id for photo in photos for a in photo.state.annotations)
    without = sum(a.is_box or a.shape.is_empty for photo in photos for a in photo.state.annotations)
    names = {name.casefold() for name in known}
    shown = sorted((c for c in categories if counts[c.id]), key=lambda c: -counts[c.id])
    classes = tuple(
        ClassFact(c.name, c.color, counts[c.id], not names & {c.name.casefold(), model_name(c).casefold()})
        for c in shown
    )
    full = sum(1 for photo in photos if photo.state.annotations)
    problems = []
    if full < MIN_PHOTOS:
        problems.append(_too_few(full))
    if lost:
        problems.append(_unreadable(lost))
    single = [c.name for c in classes if c.count == 1]
    problems += [tr("“{name}” has a single object so far: too little to learn from.", name=name) for name in single]
    if without:
        problems.append(
            plural(
                "{n} object without an outline cannot teach masks.",
                "{n} objects without an outline cannot teach masks.",
                without,
            )
        )
    empty = sum(photo.is_empty for photo in photos)
    unanswered = tuple(photo.name for photo in photos if photo.unanswered)
    return Summary(len(photos), empty, classes, tuple(problems), full >= MIN_PHOTOS, unanswered)


def _too_few(full: int) -> str:
    """Return why `full` photos with objects are not enough."""
    if not full:
        return tr(
            "No photos with objects are marked done; at least {least} are needed. M marks a photo done once every "
            "object in it is outlined.",
            least=MIN_PHOTOS,
        )
    return plural(
        "{n} photo with objects is marked done; at least {least} are needed. M marks a photo done once every object in "
        "it is outlined.",
        "{n} photos with objects are marked done; at least {least} are needed. M marks a photo done once every object "
        "in it is outlined.",
        full,
        least=MIN_PHOTOS,
    )


def _unreadable(lost: Sequence[str]) -> str:
    """Return which photos that are done are left out."""
    names = ", ".join(lost[:NAMED])
    if len(lost) > NAMED:
        names = tr("{names} and {n:,} more", names=names, n=len(lost) - NAMED)
    return plural(
        "{names} is marked done, but cannot be read, and is left out.",
        "{names} are marked done, but cannot be read, and are left out.",
        len(lost),
        names=names,
    )


def encode_coco(photos: Sequence[TrainingPhoto], categories: Iterable[Category]) -> bytes:
    """Make the COCO file of photos that are done; classes that none of them shows are left out.

    A suggestion that nobody answered becomes a crowd, which enters no loss and no figure.

    Raises:
        ValueError: an annotation cannot be written.
    """
    images: list[bytes] = []
    annotations: list[bytes] = []
    used = {a.category_id for photo in photos for a in photo.state.annotations}
    ids = count(1 + max((a.id for photo in photos for a in photo.state.annotations), default=0))
    for image_id, photo in enumerate(photos, 1):
        width, height = photo.state.size
        images.append(encode({"id": image_id, "file_name": photo.name, "width": width, "height": height}))
        crowds = [
            replace(s, id=next(ids), is_crowd=True, keypoints=()) for s in photo.unanswered if s.category_id in used
        ]
        records = (*photo.state.annotations, *crowds)
        annotations += [encode_annotation(record, image_id, photo.state.size) for record in records]
    classes = [encode_category(category) for category in categories if category.id in used]
    parts = {"images": images, "annotations": annotations, "categories": classes}
    return b"{" + b",\n".join(b'"%s":[%s]' % (key.encode(), b",\n".join(raws)) for key, raws in parts.items()) + b"}\n"


def with_model_names(categories: Iterable[Category], known: Sequence[str]) -> list[Category]:
    """The classes under the names that the model has for them: one that was renamed in the project goes by its old one.

    So the model's class goes on to be the one that the project's stands for, and is not learnt anew beside it.
    """
    listed = list(categories)
    names = {name.casefold() for name in known}
    taken = {category.name.casefold() for category in listed}
    made = []
    for category in listed:
        before = model_name(category)
        renamed = before.casefold() in names - taken and category.name.casefold() not in names
        made.append(replace(category, name=before, extra=NOTHING) if renamed else category)
    return made


def model_name(category: Category | ClassRecord) -> str:
    """Return the model's name of a class that was renamed in the project, or ""."""
    return str(category.extra.get(MODEL_CLASS, "")).strip()
