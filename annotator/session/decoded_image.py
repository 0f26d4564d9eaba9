"""A photo as the window paints it and a model is given it.

The pixels are read by `dataset.pictures.images` (Pillow; no torch), so what the person sees is what the model sees.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from annotator.canvas.image_pyramid import ImagePyramid
from dataset.pictures.parts import DEFAULT_PARTS, PartChoice, PictureParts

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from dataset.pictures.images import ReducedPhoto


TIFFS = (".tif", ".tiff")
"""Endings of files that are looked at for pages and bands."""


@dataclass(frozen=True, slots=True, eq=False)
class DecodedImage:
    """A decoded photo, upright."""

    pyramid: ImagePyramid
    parts: PictureParts = field(default_factory=PictureParts)
    """What of it there is to choose among."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.pyramid.size.width(), self.pyramid.size.height()

    @property
    def byte_count(self) -> int:
        """Memory that it takes."""
        return self.pyramid.byte_count

    def rgb(self) -> NDArray[np.uint8]:
        """Return the (height, width, 3) uint8 array that is painted, too: not to be written to."""
        return self.pyramid.pixels

    def for_model(self) -> ReducedPhoto:
        """Return what a model is given: the photo itself, not to be written to, or a smaller copy."""
        from dataset.pictures.images import ReducedPhoto, reduced  # noqa: PLC0415 - not on the way to the first photo

        return ReducedPhoto(reduced(self.rgb()), self.size)


def size_of(path: Path) -> tuple[int, int]:
    """Return (width, height) of a photo on disk, from its header.

    Raises:
        PhotoError: it cannot be read; the text has the reason.
    """
    from dataset.pictures.images import photo_size  # noqa: PLC0415 - Pillow and numpy load in the decoding thread

    return photo_size(path)


def decode(path: Path, choice: PartChoice = DEFAULT_PARTS) -> DecodedImage:
    """Read one photo from disk, or another page or other bands of it.

    Raises:
        PhotoError: it cannot be read; the text has the reason.
    """
    from dataset.pictures.images import parts_of, read_part  # noqa: PLC0415 - Pillow and numpy load in the decoding thread

    pyramid = ImagePyramid(read_part(path, choice))
    return DecodedImage(pyramid, parts_of(path) if path.suffix.lower() in TIFFS else PictureParts())
