"""Which photo a task of Label Studio's is about, the label of a region, and the order of keypoints."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from dataset.folder import FolderError, list_images
from dataset.photo_names import match_names, with_slashes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_UPLOAD = re.compile(r"(?:^|/)(?:data/)?upload/(?:[0-9]+/)?([^/]+)$")
_PREFIX = re.compile(r"^[0-9a-f]{8}-(?=.)")
_FIRST_KEYS = ("image", "img", "photo", "url")


def image_url(data: object) -> str:
    """Return the image of a task's `data`: of its usual key, else the first text in it; "" without one."""
    if not isinstance(data, Mapping):
        return ""
    values = [data.get(key) for key in _FIRST_KEYS] + list(data.values())
    return next((value for value in values if isinstance(value, str) and value.strip()), "")


def region_label(kind: str, value: Mapping[str, object]) -> str:
    """Return the label of a result, "" where it has none."""
    for key in (kind, "labels", *(key for key in value if key.endswith("labels"))):
        given = value.get(key) if key.endswith("labels") else None
        if isinstance(given, list) and given and isinstance(given[0], str) and given[0].strip():
            return given[0].strip()
    return ""


def common_order(lists: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Return all names in an order that all lists have, which may each lack some; else as they come first."""
    before: dict[str, set[str]] = {}
    for names in lists:
        for place, name in enumerate(names):
            before.setdefault(name, set()).update(names[max(place - 1, 0) : place])
    try:
        return tuple(TopologicalSorter(before).static_order())
    except CycleError:
        return tuple(before)


def photo_names(urls: Sequence[str], folder: Path) -> dict[str, str]:
    """Return the photo of a folder that each address means; where none is meant, the path in the address.

    Of files that were uploaded, whose names Label Studio puts eight digits before, and in which it keeps only letters,
    digits, "-", "_" and ".", also the photo that would be called so.
    """
    try:
        photos = list_images(folder)
    except FolderError:
        photos = []
    paths = {url: _path(url) for url in urls}
    found = dict(match_names(paths.values(), photos, folder.resolve().name).photos)
    bare = {path: _PREFIX.sub("", path) for path in paths.values() if path not in found}
    left = [photo for photo in photos if photo not in set(found.values())]
    later = match_names(bare.values(), left, folder.resolve().name).photos
    plain = _by_plain_name(left)
    count = Counter(bare.values())
    for path, name in bare.items():  # of several uploads of one name, each may mean the photo
        found[path] = (later.get(name) or plain.get(name) or name) if count[name] == 1 else path
    return {url: found[path] for url, path in paths.items()}


def _path(url: str) -> str:
    """Return the path in an address: of a local storage, of an upload, of a server, or as it stands."""
    parts = _split(url)
    if parts is None:
        return with_slashes(url)
    scheme, path, query = parts
    if path.rstrip("/").endswith("local-files") and (given := parse_qs(query, errors="surrogateescape").get("d")):
        return with_slashes(given[0]).lstrip("/")
    # In a plain path, "?" and "%" stand for themselves.
    path = unquote(path, errors="surrogateescape") if scheme or path.startswith("/data/") else url
    upload = _UPLOAD.search(path)
    return upload[1] if upload else with_slashes(path).lstrip("/")


def _split(url: str) -> tuple[str, str, str] | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    is_server = len(parts.scheme) > 1  # one letter is a drive
    return parts.scheme if is_server else "", parts.path, parts.query


def _by_plain_name(photos: Sequence[str]) -> dict[str, str]:
    """Return photos by the names under which Label Studio keeps them; none where several have one name."""
    names = [re.sub(r"[^-\w.]", "", photo.rpartition("/")[2].strip().replace(" ", "_")) for photo in photos]
    count = Counter(names)
    return {name: photo for name, photo in zip(names, photos, strict=True) if count[name] == 1}
