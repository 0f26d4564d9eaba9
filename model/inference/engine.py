"""What computes a network: the seam between a prediction and the library that runs the network.

`model.inference.predictor.Predictor` knows photos, boxes and outlines; an engine knows the network's numbers alone.
Arrays are NumPy's on both sides, so that a prediction does not depend on the library either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dataset.coco.categories import Category
    from model.config import ModelConfig

Features = Any
"""What an engine keeps of one picture: passed back to it, and to nobody else."""


class MemoryFullError(MemoryError):
    """The device's memory does not suffice: a smaller picture, or another device, may help."""


@dataclass(frozen=True)
class BoxDetections:
    """What was found in a picture, in pixels of the network's input."""

    boxes: NDArray[np.float32]  # [N, 4] xyxy
    scores: NDArray[np.float32]  # [N], descending
    labels: NDArray[np.int64]  # [N], 1 to the number of classes

    def __getitem__(self, chosen: Any) -> BoxDetections:  # noqa: ANN401 - whatever indexes a row
        return BoxDetections(self.boxes[chosen], self.scores[chosen], self.labels[chosen])


class Engine(Protocol):
    """A network with its weights on a device."""

    @property
    def config(self) -> ModelConfig:
        """The network's settings."""

    @property
    def outputs(self) -> tuple[Category, ...]:
        """The class of each output, unused ones included."""

    @property
    def metrics(self) -> dict[str, Any]:
        """How good the weights are, by name."""

    @property
    def device(self) -> str:
        """Torch's name of the device: `cpu`, `cuda`, ..."""

    @property
    def notice(self) -> str:
        """A sentence that a person should know about how it computes; mostly empty."""

    @property
    def id(self) -> str:
        """Another one for other weights or other arithmetic."""

    def to(self, device: str) -> None:
        """Move to another device; features that were made before are void.

        Raises:
            model.inference.device.DeviceError: There is no such device, or this engine does not run on it.
        """

    def encode(self, pictures: NDArray[np.float32], inner: Sequence[tuple[int, int]]) -> list[Features]:
        """Return the features of each of several pictures of one size.

        Args:
            pictures: [B, 3, H, W], normalised; sides are multiples of 32.
            inner: (height, width) of the photo in the upper left of each; the rest is padding.

        Raises:
            MemoryFullError: There is no memory for so many, or for one of this size.
        """

    def detect(self, features: Features, score: float, most: int) -> BoxDetections:
        """Find objects with a score over `score`, the best `most` of them."""

    def propose(self, features: Features) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what the box head makes of every proposal.

        Returns:
            The probabilities [R, classes + 1], the first of which are background's, and the box of each class
            [R, classes + 1, 4], within the picture.
        """

    def classify(self, features: Features, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities [N, classes + 1] of boxes [N, 4]; the first is background's."""

    def masks(self, features: Features, boxes: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return how probable each cell of each box is to be the object of its label: [N, M, M]."""

    def keypoints(self, features: Features, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the logits [N, K, S, S] of the keypoints' cells in boxes [N, 4]."""

    def level(self, features: Features, number: int) -> NDArray[np.float32]:
        """Return the map [C, h, w] of a level of the pyramid, 0 being the finest, or the coarsest there is."""
