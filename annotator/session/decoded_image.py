"""A photo as the window paints it and a model is given it.

The pixels are read by `dataset.images` (Pillow; no torch), so what the person sees is what the model sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtGui import QImage

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from dataset.images import ReducedPhoto


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """A decoded photo, upright, 32 bits a pixel so that painting it converts nothing."""

    image: QImage

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.image.width(), self.image.height()

    def rgb(self) -> NDArray[np.uint8]:
        """Return a fresh (height, width, 3) uint8 array."""
        import numpy as np  # noqa: PLC0415 - not on the way to the first photo

        return np.ascontiguousarray(self._bgrx()[..., 2::-1])

    def for_model(self) -> ReducedPhoto:
        """Return what a model is given, fresh."""
        from dataset.images import ReducedPhoto, reduced  # noqa: PLC0415 - not on the way to the first photo

        return ReducedPhoto(reduced(self._bgrx())[..., 2::-1].copy(), self.size)

    def _bgrx(self) -> NDArray[np.uint8]:
        """Return the image's own memory as (height, width, 4)."""
        import numpy as np  # noqa: PLC0415 - not on the way to the first photo

        width, height = self.size
        rows = np.frombuffer(self.image.constBits(), np.uint8).reshape(height, self.image.bytesPerLine())
        return rows[:, : 4 * width].reshape(height, width, 4)


def decode(path: Path) -> DecodedImage:
    """Read one photo from disk.

    Raises:
        PhotoError: it cannot be read; the text has the reason.
    """
    from dataset.images import read_photo  # noqa: PLC0415 - Pillow and numpy load in the decoding thread

    rgb = read_photo(path)
    height, width, _ = rgb.shape
    # RGB888 borrows the array's memory; the conversion copies it.
    return DecodedImage(QImage(rgb.data, width, height, 3 * width, QImage.Format.Format_RGB888).convertToFormat(
        QImage.Format.Format_RGB32
    ))  # fmt: skip
