"""In which order the photos of a folder are listed."""

from __future__ import annotations

from enum import StrEnum
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING

from annotator.core.image_filter import FINISHED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from annotator.core.image_list import ImageList


class ImageOrder(StrEnum):
    """What comes first; photos that are equal in it are in the order of their names."""

    NAME = "name"
    """As people sort names: "img2" before "img10"."""
    NEWEST = "newest"
    """The photo whose file was changed last."""
    UNSURE = "unsure"
    """The photo with the least score of a suggestion that is to be answered."""
    MOST = "most"
    """The photo with the most objects."""


def names_in_order(
    photos: ImageList, order: ImageOrder, times: Mapping[str, float] = MappingProxyType({})
) -> list[str]:
    """Return the names of the listed folder's photos in an order.

    Args:
        photos: What is known of them.
        order: What comes first.
        times: When their files were changed, in seconds; those without are last.
    """
    names, index = photos.by_name, photos.index
    if order is ImageOrder.NEWEST:
        return sorted(names, key=lambda name: -times.get(name, -inf))
    if order is ImageOrder.MOST:
        return sorted(names, key=lambda name: -photos.count(index(name)))
    if order is ImageOrder.UNSURE:
        return sorted(
            names, key=lambda name: inf if photos.status(i := index(name)) in FINISHED else photos.least_score(i)
        )
    return list(names)
