"""The network as torch runs it: on CUDA, for every member of the family, and where no graph of it can be used."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from model.checkpoints import weights as weight_files
from model.inference.device import choose_device
from model.inference.engine import BoxDetections, MemoryFullError
from model.network.precision import fast_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from dataset.coco.categories import Category
    from model.checkpoints.checkpoint import Checkpoint
    from model.config import ModelConfig


FULL = ("can't allocate memory", "bad_alloc")
"""Words of errors that say of a CPU that its memory does not suffice, for which torch has no kind of its own."""


class TorchFeatures(NamedTuple):
    """What is kept of a picture."""

    size: tuple[int, int]  # (height, width) of the network's input
    inner: tuple[int, int]  # (height, width) of the photo in it
    maps: list[Tensor]  # [1, C, h, w], fine to coarse
    pooled: list[Tensor]  # the same in the precision that regions are pooled in


@contextmanager
def _memory() -> Iterator[None]:
    try:
        yield
    except (RuntimeError, MemoryError) as error:  # a GPU's and a CPU's
        known = isinstance(error, torch.OutOfMemoryError | MemoryError)
        if not known and not any(words in str(error) for words in FULL):
            raise
        torch.cuda.empty_cache()
        raise MemoryFullError(str(error)) from error


class TorchEngine:
    """A `model.inference.engine.Engine`."""

    def __init__(self, checkpoint: Checkpoint, device: str = "auto", notice: str = "") -> None:
        """Take a checkpoint's network to a device; `notice` says why it is not another engine.

        Raises:
            model.checkpoints.weights.WeightsError: The weights do not fit the config.
            model.inference.device.DeviceError: There is no such device.
        """
        self.config: ModelConfig = checkpoint.config
        self.outputs: tuple[Category, ...] = checkpoint.categories
        self.metrics: dict[str, Any] = checkpoint.metrics
        self.notice = notice
        self._digest = checkpoint.network_digest()
        self._network = weight_files.network_of(checkpoint)
        weight_files.fold_norms(self._network)
        self.device = ""
        self.to(device)

    def to(self, device: str) -> None:
        """Move the network to another device, in the precision that is the fastest there."""
        self.device = choose_device(device)
        self._kind = fast_type(self.device)
        network = self._network.to(device=self.device, dtype=self._kind)
        self._network = network.to(memory_format=torch.channels_last)

    @property
    def id(self) -> str:
        """The weights and the arithmetic."""
        return f"{self._digest}-{str(self._kind).removeprefix('torch.')}"

    @torch.inference_mode()
    def encode(self, pictures: NDArray[np.float32], inner: Sequence[tuple[int, int]]) -> list[TorchFeatures]:
        """Run the backbone."""
        with _memory():
            pixels = torch.from_numpy(pictures).to(self.device, self._kind)
            maps = self._network.encode(pixels.contiguous(memory_format=torch.channels_last))
            return [
                self._features((pictures.shape[2], pictures.shape[3]), photo, [m[row : row + 1] for m in maps])
                for row, photo in enumerate(inner)
            ]

    def _features(self, size: tuple[int, int], inner: tuple[int, int], maps: list[Tensor]) -> TorchFeatures:
        # A GPU pools regions from planes in float32: converted once here rather than at every question.
        pooled = maps if self.device == "cpu" else [m.float().contiguous() for m in maps]
        return TorchFeatures(size, inner, maps, pooled)

    @torch.inference_mode()
    def detect(self, features: TorchFeatures, score: float, most: int) -> BoxDetections:
        """Propose regions, classify them, and drop all but the best of those that overlap."""
        with _memory():
            found = self._network.detect(
                features.maps, features.size, [features.inner], score=score, most=most, maps=features.pooled
            )[0]
            return BoxDetections(found.boxes.cpu().numpy(), found.scores.cpu().numpy(), found.labels.cpu().numpy())

    @torch.inference_mode()
    def propose(self, features: TorchFeatures) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Propose regions and classify them."""
        with _memory():
            network, inner = self._network, [features.inner]
            chances, boxes = network.refine(features.maps, features.size, inner, maps=features.pooled)[0]
            return chances.cpu().numpy(), boxes.cpu().numpy()

    @torch.inference_mode()
    def classify(self, features: TorchFeatures, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the box head."""
        with _memory():
            return self._network.roi_heads.classify(features.pooled, [self._there(boxes)])[0].softmax(1).cpu().numpy()

    @torch.inference_mode()
    def masks(
        self, features: TorchFeatures, boxes: NDArray[np.float32], labels: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Run the mask head."""
        with _memory():
            own = torch.from_numpy(labels).to(self.device)
            found = self._network.roi_heads.own_masks(features.pooled, [self._there(boxes)], own)
            return found.float().cpu().numpy()

    @torch.inference_mode()
    def keypoints(self, features: TorchFeatures, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the keypoint head."""
        with _memory():
            return self._network.roi_heads.keypoints(features.pooled, [self._there(boxes)]).float().cpu().numpy()

    def level(self, features: TorchFeatures, number: int) -> NDArray[np.float32]:
        """Return a level of the pyramid."""
        return features.maps[min(number, len(features.maps) - 1)][0].float().cpu().numpy()

    def _there(self, boxes: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(boxes, np.float32)).to(self.device)
