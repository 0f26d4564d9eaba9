"""A network as one graph, from a photo to its objects: what people take to other programs.

Unlike the graphs that this application computes, it scales the photo itself, does not fit outlines to the photo's edges
and gives masks as they come from the network, in cells of the boxes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import batched_nms

from model.config import MEAN, STD, UNUSED
from model.graphs.export import network_to_trace, trace
from model.graphs.modules import Classify, Encode, Masks, clip
from model.inference.preprocess import ROUND
from model.inference.score_shifts import odds_factors
from model.network.mask_rcnn import MIN_SIZE, with_objectness

if TYPE_CHECKING:
    from model.checkpoints.checkpoint import Checkpoint
    from model.network.mask_rcnn import MaskRCNN

SCORE = 0.05
"""Least score of an object in the graph's output."""
SKIPS = 0.5
"""Scale below which linear interpolation would skip pixels; `model.inference.preprocess` has the same."""
SIDES = (150, 220)
"""Height and width of the photo that is traced."""


class Whole(nn.Module):
    """A photo [H, W, 3] uint8 RGB to boxes, scores, labels, and masks and keypoints where there are such heads."""

    def __init__(self, network: MaskRCNN, known: list[int]) -> None:
        """Take a network and the numbers, from 1 on, of its outputs that stand for a class."""
        super().__init__()
        self.encode, self.classify = Encode(network), Classify(network)
        self.masks = Masks(network) if network.roi_heads.mask_head is not None else None
        self.network, self.config = network, network.config
        self.register_buffer("known", torch.tensor(known))
        self.register_buffer("factors", torch.tensor(odds_factors(network.config)[known], dtype=torch.float32))

    def forward(self, photo: Tensor) -> tuple[Tensor, ...]:
        """Find the objects. Boxes are xyxy in pixels of the photo."""
        sides = torch._shape_as_tensor(photo)[:2].float()
        scale = torch.minimum(self.config.short_side / sides.min(), self.config.long_side / sides.max())
        inner = (sides * scale).floor().clamp(min=1).to(torch.int64)
        pixels = self._pixels(photo, inner, scale)
        proposals, *maps = self.encode(pixels, inner)
        objectness = maps.pop(0) if self.config.rpn_score else None
        boxes, scores, labels = self._best(proposals, objectness, inner, maps)
        stretch = sides / inner.float()
        found = [boxes * torch.stack([stretch[1], stretch[0], stretch[1], stretch[0]]), scores, labels]
        heads = self.network.roi_heads
        if self.masks is not None:
            found.append(self.masks(boxes, labels, *maps))
        if heads.keypoint_head is not None:
            found.append(self._points(heads.keypoints(maps, [boxes]), found[0], stretch.flip(0)))
        return tuple(found)

    def _pixels(self, photo: Tensor, inner: Tensor, scale: Tensor) -> Tensor:
        """Scale the photo, normalise it, and pad it below and to the right."""
        planes, size = photo.permute(2, 0, 1)[None].float(), (inner[0], inner[1])
        near = functional.interpolate(planes, size=size, mode="bilinear")  # pyrefly: ignore
        # Where it would skip pixels. `export_whole` has it look at them all, which torch cannot write into a graph.
        far = functional.interpolate(planes, size=size, mode="bicubic").clamp(0, 255)  # pyrefly: ignore
        small = torch.where(scale < SKIPS, far, near)
        mean, std = (torch.tensor(value).view(1, 3, 1, 1) * 255 for value in (MEAN, STD))
        missing = (-inner) % ROUND
        return functional.pad((small - mean) / std, (0, missing[1], 0, missing[0]))  # pyrefly: ignore

    def _best(
        self, proposals: Tensor, objectness: Tensor | None, inner: Tensor, maps: list[Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        probabilities, refined = self.classify(proposals, *maps)
        if objectness is not None:
            probabilities = with_objectness(probabilities, objectness)
        chances, refined = probabilities[:, self.known], clip(refined, inner)[:, self.known]
        if self.config.score_shifts:  # those of `model.inference.score_shifts`, before any threshold
            chances = chances * self.factors / (chances * self.factors + 1 - chances)
        place = torch.nonzero(chances > SCORE)
        boxes, scores = refined[place[:, 0], place[:, 1]], chances[place[:, 0], place[:, 1]]
        large = torch.nonzero((boxes[:, 2:] - boxes[:, :2] >= MIN_SIZE).all(1)).flatten()
        boxes, scores, labels = boxes[large], scores[large], self.known[place[:, 1]][large]
        kept = batched_nms(boxes, scores, labels, self.config.box_nms)[: self.config.detections]
        return boxes[kept], scores[kept], labels[kept]

    def _points(self, logits: Tensor, boxes: Tensor, stretch: Tensor) -> Tensor:
        """Return x, y and a probability of each keypoint, to a cell of its mask: [N, K, 3].

        The boxes are the photo's, whose pixels are `stretch` [2], x and y, times as many as the network's.
        """
        size = logits.shape[3]
        chances = logits.flatten(2).softmax(2)
        best = chances.argmax(2)
        cells = torch.stack([best % size, torch.div(best, size, rounding_mode="floor")], -1).float() + 0.5
        corner, sides = boxes[:, None, :2], (boxes[:, 2:] - boxes[:, :2])[:, None]
        places = corner + cells / size * sides
        if self.config.keypoint_half_pixel:
            places = places + (stretch - 1) / 2
        return torch.cat([places, chances.amax(2)[..., None]], -1)


@torch.inference_mode()
def export_whole(checkpoint: Checkpoint) -> onnx.ModelProto:
    """Return a checkpoint's network as one graph; its metadata say what it needs and what it gives.

    Raises:
        model.checkpoints.weights.WeightsError: The weights do not fit the config.
        model.graphs.export.UnsupportedError: The network has a layer that no graph has.
    """
    network = network_to_trace(checkpoint)
    known = [number for number, category in enumerate(checkpoint.categories, 1) if category.name != UNUSED]
    photo = torch.from_numpy(np.random.default_rng(0).integers(0, 255, (*SIDES, 3), np.uint8))
    made = ["boxes", "scores", "labels"]
    made += ["masks"] * (network.roi_heads.mask_head is not None)
    made += ["keypoints"] * (network.roi_heads.keypoint_head is not None)
    free = {"photo": {0: "height", 1: "width"}} | {name: {0: "objects"} for name in made}
    graph = onnx.load_from_string(trace("model", Whole(network, known), {"photo": photo}, made, free))
    for node in graph.graph.node:
        if node.op_type == "Resize" and any(a.name == "mode" and a.s == b"cubic" for a in node.attribute):
            node.attribute.append(onnx.helper.make_attribute("antialias", 1))
    described = {
        "photo": json.dumps(["height", "width", "RGB"]),
        "boxes": json.dumps(["x1", "y1", "x2", "y2"]),
        "classes": json.dumps({number: checkpoint.categories[number - 1].name for number in known}),
        "keypoints": json.dumps({c.name: list(c.keypoint_names) for c in checkpoint.categories if c.keypoint_names}),
    }
    onnx.helper.set_model_props(graph, described)
    return graph
