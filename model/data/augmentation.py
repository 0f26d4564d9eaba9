"""Augmentation of training photos and their labels: random scale, crop, horizontal flip and colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch

from dataset.pictures.images import read_photo
from model.config import MEAN, STD
from model.data.training_images import instance_mask
from model.network.targets import MASK_GRID, Target

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from model.config import TrainConfig
    from model.data.training_images import ObjectLabel, TrainingImage

FILL = (124, 116, 104)
"""Colour of the padding, RGB: the mean, which normalization makes 0."""
MIN_VISIBLE = 0.25
"""Share of a box inside the crop from which it is trained on."""
MIN_SIDE = 3.0
"""Shortest side, in pixels of the network's input, of a box that is trained on."""


@dataclass(frozen=True)
class CropTransform:
    """Scale, offset and horizontal flip from a photo to the network's input: x' = scale * x + left, then flipped.

    `height` and `width` are those of the input, all lengths in its pixels.
    """

    scale: float
    left: float
    top: float
    flip: bool
    height: int
    width: int

    def boxes(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return xyxy boxes [N, 4] of the photo in the network's input, not clipped."""
        moved = boxes * self.scale + np.array([self.left, self.top] * 2, np.float32)
        if self.flip:
            moved[:, [0, 2]] = self.width - moved[:, [2, 0]]
        return moved.astype(np.float32)

    def keypoints(self, points: NDArray[np.float32], mirror: list[int]) -> NDArray[np.float32]:
        """Return keypoints [N, K, 3] of the photo in the network's input; one outside of it gets visibility 0.

        COCO counts a keypoint's pixel, whose centre lies half a pixel further on.
        """
        moved = points.copy()
        moved[..., :2] = (points[..., :2] + 0.5) * self.scale + np.array([self.left, self.top], np.float32) - 0.5
        if self.flip:
            moved[..., 0] = self.width - 1 - moved[..., 0]
            moved = moved[:, mirror]
        inside = (moved[..., 0] >= 0) & (moved[..., 0] < self.width) & (moved[..., 1] >= 0)
        inside &= moved[..., 1] < self.height
        moved[..., 2] *= inside
        return moved

    def apply(self, photo: NDArray[np.uint8], share: float = 1.0) -> NDArray[np.uint8]:
        """Return the crop [height, width, 3] uint8 of a photo [H, W, 3].

        Args:
            photo: Its pixels.
            share: Its width relative to that of the size that the labels are in.
        """
        scale = self.scale / share
        if scale < 0.5:  # linear interpolation would skip pixels
            small = (max(1, round(photo.shape[1] * scale)), max(1, round(photo.shape[0] * scale)))
            scale = scale * photo.shape[1] / small[0]
            photo = cv2.resize(photo, small, interpolation=cv2.INTER_AREA).astype(np.uint8)
        shift = (scale - 1) / 2  # warpAffine counts from the centres of pixels
        matrix = np.array([[scale, 0, self.left + shift], [0, scale, self.top + shift]], np.float64)
        if self.flip:
            matrix[0] = [-scale, 0, self.width - 1 - matrix[0, 2]]
        size = (self.width, self.height)
        return cv2.warpAffine(photo, matrix, size, flags=cv2.INTER_LINEAR, borderValue=FILL).astype(np.uint8)


def draw_crop(
    photo_size: tuple[int, int], input_size: tuple[int, int], config: TrainConfig, random: np.random.Generator
) -> CropTransform:
    """Return a random scale, crop and flip of a photo (width, height) to an input size (height, width)."""
    width, height = photo_size
    rows, columns = input_size
    scale = min(input_size) / min(photo_size) * random.uniform(*config.jitter)
    left = _between(0.0, columns - width * scale, random)
    top = _between(0.0, rows - height * scale, random)
    return CropTransform(scale, left, top, config.flip and random.random() < 0.5, rows, columns)


def _between(one: float, other: float, random: np.random.Generator) -> float:
    return float(random.uniform(min(one, other), max(one, other)))


def recolour(photo: NDArray[np.uint8], strength: float, random: np.random.Generator) -> NDArray[np.uint8]:
    """Return the photo with brightness, contrast and saturation changed by up to `strength`."""
    if strength <= 0:
        return photo
    brightness, contrast, saturation = random.uniform(1 - strength, 1 + strength, 3)
    grey = cv2.cvtColor(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    mixed = cv2.addWeighted(photo, saturation, grey, 1 - saturation, 0)
    levels = (np.arange(256) * brightness - 128) * contrast + 128
    return cv2.LUT(mixed, np.clip(levels, 0, 255).astype(np.uint8)).astype(np.uint8)


class MaskCache:
    """Rasterized masks of instances, as small grids: rasterizing a polygon takes longer than everything else."""

    def __init__(self) -> None:
        self._grids: dict[int, tuple[NDArray[np.uint8], NDArray[np.float32]] | None] = {}

    def __call__(
        self, instance: ObjectLabel, photo: TrainingImage
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]] | None:
        """Return the mask grid and its box, or None without a mask; see `instance_mask`."""
        key = id(instance)
        if key not in self._grids:
            self._grids[key] = instance_mask(instance, photo.width, photo.height)
        return self._grids[key]


def training_sample(
    photo: TrainingImage,
    input_size: tuple[int, int],
    config: TrainConfig,
    *,
    keypoints: int,
    mirror: list[int],
    random: np.random.Generator,
    masks: MaskCache,
    read: Callable[[Path], NDArray[np.uint8]] = read_photo,
) -> tuple[torch.Tensor, Target]:
    """Return an augmented photo as [3, height, width] uint8, of an input size (height, width), and its target.

    `read` returns the photo's pixels, of any size.

    Raises:
        dataset.pictures.images.PhotoError: The photo cannot be read.
    """
    pixels = read(photo.path)
    # Labels are in pixels of the size in the COCO file, whatever the file on disk has.
    crop = draw_crop((photo.width, photo.height), input_size, config, random)
    share = pixels.shape[1] / photo.width
    if abs(pixels.shape[0] - photo.height * share) > 1:
        pixels = cv2.resize(pixels, (photo.width, photo.height), interpolation=cv2.INTER_AREA).astype(np.uint8)
        share = 1.0
    image = recolour(crop.apply(pixels, share), config.colour, random)
    target = transformed_target(photo, crop, keypoints=keypoints, mirror=mirror, masks=masks)
    return torch.from_numpy(image).permute(2, 0, 1), target


def transformed_target(
    photo: TrainingImage, crop: CropTransform, *, keypoints: int, mirror: list[int], masks: MaskCache
) -> Target:
    """Return the labels of a photo after its crop; boxes of which too little is left are ignored regions."""
    instances = photo.instances
    count = len(instances)
    boxes = crop.boxes(np.array([i.box for i in instances], np.float32).reshape(count, 4))
    limit = np.array([crop.width, crop.height] * 2, np.float32)
    clipped = np.clip(boxes, 0, limit)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    sides = clipped[:, 2:] - clipped[:, :2]
    counts = (sides.prod(1) >= MIN_VISIBLE * area) & (sides.min(1, initial=np.inf) >= MIN_SIDE)
    gone = ~counts & (sides > 0).all(1)
    crowds = crop.boxes(np.array(photo.crowds, np.float32).reshape(len(photo.crowds), 4))
    grids = np.zeros((count, MASK_GRID, MASK_GRID), np.uint8)
    grid_boxes = np.zeros((count, 4), np.float32)
    has_mask = np.zeros(count, bool)
    points = np.zeros((count, keypoints, 3), np.float32)
    for i in np.flatnonzero(counts):
        made = masks(instances[i], photo)
        if made is not None:
            has_mask[i] = True
            grids[i] = made[0][:, ::-1] if crop.flip else made[0]
            grid_boxes[i] = crop.boxes(made[1][None])[0]
        if keypoints and len(instances[i].keypoints) == keypoints * 3:
            points[i] = np.array(instances[i].keypoints, np.float32).reshape(keypoints, 3)
    if keypoints:
        points = crop.keypoints(points, mirror)
    kept = np.flatnonzero(counts)
    return Target(
        boxes=torch.from_numpy(clipped[kept]),
        labels=torch.tensor([instances[i].label for i in kept], dtype=torch.int64),
        masks=torch.from_numpy(grids[kept]),
        mask_boxes=torch.from_numpy(grid_boxes[kept]),
        has_mask=torch.from_numpy(has_mask[kept]),
        keypoints=torch.from_numpy(points[kept]),
        ignore=torch.from_numpy(np.concatenate([clipped[gone], np.clip(crowds, 0, limit)])),
        complete=torch.tensor(photo.complete),
    )


def normalise(images: torch.Tensor) -> torch.Tensor:
    """Return images [B, 3, H, W] uint8 as float32, normalized with ImageNet's mean and standard deviation."""
    mean = torch.tensor(MEAN, device=images.device).view(3, 1, 1)
    std = torch.tensor(STD, device=images.device).view(3, 1, 1)
    return (images.float() / 255 - mean) / std
