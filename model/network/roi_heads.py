"""The three heads on the features of a region: class and box, mask, keypoints (paper, sec. 3, Fig. 4 and sec. 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead, FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.keypoint_rcnn import KeypointRCNNHeads, KeypointRCNNPredictor
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor

from model.network.backbone import res5
from model.network.roi_pooler import CANONICAL, RegionPooler, with_batch_index

if TYPE_CHECKING:
    from model.config import ModelConfig

BOX_SIZE, FINE_SIZE = 7, 14
"""Bins along each side for the box head and for the mask and keypoint heads (paper, Fig. 4)."""
MASK_SIZE = 28
"""Cells along each side of a mask on FPN features (Fig. 4 right)."""


class MaskMLP(nn.Sequential):
    """Fully connected mask head of Table 2e: 1024-1024-K*28*28, or with one more layer of 1024."""

    def __init__(self, channels: int, hidden: int, outputs: int, width: int = 1024) -> None:
        layers: list[nn.Module] = [nn.Flatten()]
        inputs = channels * FINE_SIZE * FINE_SIZE
        for _ in range(hidden):
            layers += [nn.Linear(inputs, width), nn.ReLU(inplace=True)]
            inputs = width
        layers += [nn.Linear(inputs, outputs * MASK_SIZE**2), nn.Unflatten(1, (outputs, MASK_SIZE, MASK_SIZE))]
        super().__init__(*layers)


class GlobalAveragePool(nn.Module):
    """Averages a region's features over space: what follows res5 (paper, Fig. 4 left)."""

    def forward(self, regions: Tensor) -> Tensor:
        """Map [R, C, h, w] to [R, C]."""
        return regions.mean((2, 3))


class RegionHeads(nn.Module):
    """Everything that looks at regions. Module names are torchvision's, so that its official weights fit.

    `mask_head` and `keypoint_head` are None in networks without them. `res5` is the shared last stage of a C4 network.
    """

    def __init__(self, config: ModelConfig, channels: int) -> None:
        super().__init__()
        self.config = config
        outputs = config.classes + 1
        self.pool, self.box_pool = (
            RegionPooler(
                config.strides[chosen],
                layer=config.roi_layer,
                reduce=config.roi_reduce,
                half_pixel=config.roi_half_pixel,
                canonical=canonical,
                maps=chosen,
            )
            for canonical, chosen in ((CANONICAL, config.mask_maps), (config.box_canonical, config.box_maps))
        )
        norm = nn.BatchNorm2d if config.mask_norm else None
        self.res5: nn.Module | None = None
        self.box_bins, self.mask_bins = BOX_SIZE, FINE_SIZE
        """Along each side of the regions that the box and the mask head look at."""
        wide = channels
        if config.features == "c4":
            self.res5, wide = res5(config)
            self.box_bins = BOX_SIZE * config.res5_stride
            self.mask_bins = self.box_bins if config.mask_head == "fcn" else FINE_SIZE
            self.box_head: nn.Module = GlobalAveragePool()
            self.box_predictor = FastRCNNPredictor(wide, outputs)
        elif config.box_head == "conv":
            width = [config.channels] * 4
            shape = (channels, BOX_SIZE, BOX_SIZE)
            self.box_head = FastRCNNConvFCHead(shape, width, [config.box_width], norm_layer=nn.BatchNorm2d)
            self.box_predictor = FastRCNNPredictor(config.box_width, outputs)
        else:
            self.box_head = TwoMLPHead(channels * BOX_SIZE**2, config.box_width)
            self.box_predictor = FastRCNNPredictor(config.box_width, outputs)
        if config.box_agnostic:
            self.box_predictor.bbox_pred = nn.Linear(self.box_predictor.bbox_pred.in_features, 4)
        self.mask_head: nn.Module | None = None
        self.mask_predictor: nn.Module | None = None
        if config.mask_head == "fcn" and config.features == "c4":
            self.mask_head = nn.Identity()
            self.mask_predictor = MaskRCNNPredictor(wide, 256, outputs)
        elif config.mask_head == "fcn":
            self.mask_head = MaskRCNNHeads(channels, (config.channels,) * 4, 1, norm_layer=norm)
            self.mask_predictor = MaskRCNNPredictor(config.channels, config.channels, outputs)
        elif config.mask_head != "none":
            self.mask_head = nn.Identity()
            self.mask_predictor = MaskMLP(channels, 2 if config.mask_head == "mlp2" else 3, outputs)
        self.keypoint_head: nn.Module | None = None
        self.keypoint_predictor: nn.Module | None = None
        if config.keypoints:
            self.keypoint_head = KeypointRCNNHeads(channels, (config.keypoint_width,) * config.keypoint_convs)
            self.keypoint_predictor = KeypointRCNNPredictor(config.keypoint_width, config.keypoints)

    def classify(self, features: list[Tensor], boxes: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Return class logits [R, classes + 1] and box offsets [R, (classes + 1) * 4], both float32.

        `features` are the maps of the backbone, `boxes` one [N, 4] a photo, R the number of all of them.
        """
        regions = self._pooled(self.box_pool, features, boxes, self.box_bins)
        if self.res5 is not None:
            regions = self.res5(regions)
        scores, offsets = self.box_predictor(self.box_head(regions))
        if self.config.box_agnostic:
            offsets = offsets.repeat(1, scores.shape[1])
        return scores.float(), offsets.float()

    def masks(self, features: list[Tensor], boxes: list[Tensor]) -> Tensor:
        """Return mask logits [R, classes + 1, M, M] float32, M = 28 (14 for C4). Channel 0 is background."""
        assert self.mask_predictor is not None
        return self.mask_predictor(self.mask_features(features, boxes)).float()

    def own_masks(self, features: list[Tensor], boxes: list[Tensor], labels: Tensor) -> Tensor:
        """Return probabilities [R, M, M] float32 of the mask of each region's own class, `labels` [R] int64.

        With independent masks (sigmoid) by convolutions those of the other classes are not even computed.
        """
        if self.config.mask_loss == "softmax" or not isinstance(self.mask_predictor, MaskRCNNPredictor):
            logits = self.masks(features, boxes)
            chances = logits.sigmoid() if self.config.mask_loss == "sigmoid" else logits.softmax(1)
            own = labels[:, None, None, None].expand(-1, 1, *chances.shape[2:])
            return chances.gather(1, own)[:, 0]
        *before, last = self.mask_predictor
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        found = self.mask_features(features, boxes)
        for layer in before:
            found = layer(found)
        weights = last.weight[labels].flatten(2).transpose(1, 2)  # [R, 1, C]: the 1x1 convolution's row of the class
        logits = (weights @ found.flatten(2))[:, 0].float() + last.bias[labels].float()[:, None]
        return logits.sigmoid().unflatten(1, found.shape[2:])

    def mask_features(self, features: list[Tensor], boxes: list[Tensor]) -> Tensor:
        """Return what the mask head makes of regions, before its prediction: [R, C, h, w]."""
        assert self.mask_head is not None
        regions = self._regions(features, boxes, self.mask_bins)
        if self.res5 is not None and self.config.mask_head == "fcn":
            regions = self.res5(regions)
        return self.mask_head(regions)

    def keypoints(self, features: list[Tensor], boxes: list[Tensor]) -> Tensor:
        """Return keypoint logits [R, K, 56, 56] float32."""
        assert self.keypoint_head is not None
        assert self.keypoint_predictor is not None
        regions = self._regions(features, boxes, FINE_SIZE)
        return self.keypoint_predictor(self.keypoint_head(regions)).float()

    def _regions(self, features: list[Tensor], boxes: list[Tensor], size: int) -> Tensor:
        """Pool the regions of the mask and keypoint heads."""
        return self._pooled(self.pool, features, boxes, size)

    def _pooled(self, pool: RegionPooler, features: list[Tensor], boxes: list[Tensor], size: int) -> Tensor:
        """Pool regions, in the precision that the heads compute in."""
        return pool(features, with_batch_index(boxes), size).to(self.box_predictor.cls_score.weight.dtype)
