"""The interface of a model that finds objects in an image by itself and segments those in given boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dataset.coco.categories import Category
    from model.inference.instance import Instance, Polygons
    from model.inference.likely_objects import LikelyObject


class Segmenter(Protocol):
    """A detector, a segmenter with box prompts, or both: all that commands and the window know of a model.

    `model.inference.predictor.Predictor` is one, and so is a pair of them
    (`model.inference.mask_keypoint_pair.MaskKeypointPredictor`). Any class with these members is another; it need not
    derive from this one. `model.inference.mask_keypoint_pair.load_predictor` chooses which one a name of weights means.
    """

    @property
    def id(self) -> str:
        """Identifies weights and arithmetic: predictions may be cached under it."""

    @property
    def name(self) -> str:
        """Name or path of the weights, as they were given."""

    @property
    def device(self) -> str:
        """Torch's name of the device: `cpu`, `cuda`, `cuda:1`, ..."""

    @property
    def notice(self) -> str:
        """A sentence that a person should know about how it computes; mostly empty."""

    @property
    def categories(self) -> tuple[Category, ...]:
        """The classes of the instances."""

    @property
    def has_masks(self) -> bool:
        """Whether instances have polygons; without, they are boxes."""

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the current image; (0, 0) without one."""

    @property
    def long_side(self) -> int:
        """Pixels that the longer side of an image has at most in the model's input."""

    @property
    def batch(self) -> int:
        """Images a call of `detect_many` is best given."""

    def set_image(self, image: NDArray[np.uint8]) -> None:
        """Encode an image for the calls of `detect` and `masks_for_boxes` that follow.

        Args:
            image: [height, width, 3] uint8 RGB.

        Raises:
            ValueError: The array is no such image.
            model.inference.engine.MemoryFullError: The device's memory does not suffice.
        """

    @property
    def encoded(self) -> Any:  # noqa: ANN401 - each model has its own
        """The current image as it was encoded, for `restore` alone; None without one."""

    def restore(self, encoded: Any) -> None:  # noqa: ANN401 - likewise
        """Make an image the current one again, which takes no time; not after `reduce_memory`."""

    def forget(self) -> None:
        """Drop the current image and the memory that it takes."""

    def detect(self, score: float = 0.05, max_detections: int | None = None) -> list[Instance]:
        """Return the objects in the current image, best first.

        Args:
            score: Minimum score of an instance, exclusive.
            max_detections: Maximum number of instances; None for the model's own.

        Raises:
            ValueError: The score is not within 0..1, or the number is negative.
            RuntimeError: No image was set.
        """

    def detect_many(
        self, images: Sequence[NDArray[np.uint8]], score: float = 0.05, max_detections: int | None = None
    ) -> list[list[Instance]]:
        """Return the objects in each of several images. Afterwards no image is set.

        Raises:
            ValueError: As `set_image` and `detect` do.
            model.inference.engine.MemoryFullError: The device's memory does not suffice for so many.
        """

    def masks_for_boxes(
        self, boxes: NDArray[np.floating], categories: Sequence[int | None] | None = None, *, quick: bool = False
    ) -> list[Instance]:
        """Return an instance for each given box of the current image.

        Args:
            boxes: [N, 4] xyxy in pixels of the image.
            categories: The id of each box's category; None, for one or all, for the class that fits the box best.
            quick: Without keypoints, and as fast as it can be: for a box that is being dragged.

        Raises:
            ValueError: The boxes have another shape, are not finite or inside out, or a category is not the model's.
            RuntimeError: No image was set.
        """

    def keypoints_for_boxes(self, boxes: NDArray[np.floating]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the keypoints [N, K, 3] and their scores [N, K] in given boxes [N, 4] xyxy; see `Instance`.

        Raises:
            ValueError: The model knows no keypoints, or the boxes are wrong as above.
            RuntimeError: No image was set.
        """

    def objects_at(self, x: float, y: float) -> list[LikelyObject]:
        """Return the objects that may be at a place in the current image, however unsure, best first.

        Raises:
            RuntimeError: No image was set.
        """

    def likeness(self, x: float, y: float, box: NDArray[np.floating], cells: int) -> NDArray[np.float32]:
        """Return how much, -1..1, each cell of a grid [cells, cells] over a box [4] xyxy is like the place x, y.

        Raises:
            RuntimeError: No image was set.
        """

    def outline_of(self, mask: NDArray[np.float32], box: NDArray[np.float32]) -> Polygons:
        """Return the polygons of a mask [M, M] of probabilities over a box [4] xyxy, as those of an instance.

        Raises:
            RuntimeError: No image was set.
        """

    def reduce_memory(self) -> str:
        """Predict with less memory from now on, at a lower resolution or on the CPU, and drop the current image.

        Returns:
            A sentence with what was changed; empty where nothing can be.
        """
