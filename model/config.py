"""The settings of a network and of a training run: plain frozen records, the paper's values as the defaults.

Which value of a network's field holds, the first one that there is:

1. what `train --config NAME=VALUE` or `tools.builtin_weights.export --config NAME=VALUE` set when the checkpoint was
   written;
2. the config in the header of the checkpoint that is loaded (`model.checkpoints.checkpoint.Checkpoint.config`);
3. `FROM_SCRATCH`, where a training starts without a checkpoint;
4. the default of the field of `ModelConfig`, where the header was written before there was such a field.

A checkpoint's header holds every field, so a default that is changed here changes no model that exists.

"Paper" is He, Gkioxari, Dollár, Girshick: *Mask R-CNN*, ICCV 2017 (arXiv:1703.06870).
"FPN" is Lin et al.: *Feature Pyramid Networks for Object Detection*, CVPR 2017 (arXiv:1612.03144).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args, get_origin, get_type_hints

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet, RGB in 0..1, that torchvision's backbones were trained with."""

UNUSED = "N/A"
"""Class of an output that is never predicted: what torchvision calls the ids that COCO never gave out."""

Backbone = Literal[
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnext101_32x8d",
    "resnext101_64x4d",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "cspnet",
]
Features = Literal["c4", "c5", "fpn"]
BoxBody = Literal["none", "cspnet"]
RoILayer = Literal["align", "warp", "pool"]
RoIReduce = Literal["average", "max"]
BoxHead = Literal["mlp", "conv"]
MaskHead = Literal["fcn", "mlp2", "mlp3", "none"]
MaskLoss = Literal["sigmoid", "softmax"]
RPNBox = Literal["offsets", "distances"]
BatchNorm = Literal["frozen", "trained"]

MODEL_LIMITS: dict[str, tuple[float, float]] = {
    "classes": (1, 100_000),
    "width": (0.1, 4),
    "channels": (1, 4096),
    "res5_stride": (1, 2),
    "box_step": (8, 64),
    "box_canonical": (1, 16384),
    "box_width": (1, 16384),
    "keypoint_score": (0, 10),
    "keypoint_certainty": (0.001, 1),
    "score_shifts": (-20, 20),
    "keypoints": (0, 10_000),
    "keypoint_width": (1, 4096),
    "keypoint_convs": (1, 64),
    "anchor_sizes": (1, 16384),
    "anchor_ratios": (0.01, 100),
    "rpn_kinds": (1, 1000),
    "rpn_convs": (1, 16),
    "rpn_pre_nms": (1, 10_000),
    "rpn_post_nms": (1, 10_000),
    "rpn_nms": (0, 1),
    "box_nms": (0, 1),
    "detections": (1, 10_000),
    "short_side": (1, 2048),
    "long_side": (1, 4096),
}
"""Least and greatest value of each number of a network: a damaged file cannot ask for one that none can have, nor for
the memory and the hours of photos and proposals that no network is trained with."""
PRODUCT_LIMITS: dict[tuple[str, ...], int] = {
    ("anchor_sizes", "anchor_ratios"): 64,
    ("classes", "rpn_post_nms"): 50_000_000,
    ("keypoints", "detections"): 1_000_000,
}
"""Greatest product of numbers, or of the lengths of lists, that memory is taken for at once: a few GB. LVIS's 1203
classes with 2000 proposals are 2.4 million, a thousand keypoints of a thousand objects one."""
WHOLE_MASKS = 2_000_000
"""The same of classes and detections where the masks of all classes are computed together."""
TRAIN_LIMITS: dict[str, tuple[float, float]] = {
    "epochs": (1, 10**9),
    "minutes": (0, 10**9),
    "batch": (1, 10**6),
    "learning_rate": (0, 1000),
    "body_rate": (0, 1e3),
    "weight_decay": (0, 1e3),
    "warmup": (0, 10**9),
    "clip": (1e-12, 1e12),
    "ema": (0, 0.999999),
    "rpn_batch": (1, 100_000),
    "rpn_pre_nms": (1, 100_000),
    "rpn_post_nms": (1, 100_000),
    "box_batch": (1, 100_000),
    "box_positive": (0, 1),
    "mask_batch": (1, 100_000),
    "keypoint_weight": (0, 1e6),
    "scales": (32, 16384),
    "early_scales": (32, 16384),
    "early_share": (0, 1),
    "frozen_stages": (0, 4),
    "jitter": (0.01, 100),
    "colour": (0, 1),
    "paste": (0, 1),
    "seed": (0, 2**63 - 1),
    "workers": (0, 1024),
}
"""The same of a training; torch knows no greater seeds."""


def _check_words(config: ModelConfig | TrainConfig) -> None:
    for field, hint in get_type_hints(type(config)).items():
        value = getattr(config, field)
        if get_origin(hint) is Literal and value not in get_args(hint):
            raise ValueError(f"{field} is {value!r}, which is not one of {', '.join(get_args(hint))}")


def _check_limits(config: ModelConfig | TrainConfig, limits: dict[str, tuple[float, float]]) -> None:
    for field, (least, most) in limits.items():
        found = getattr(config, field)
        for value in found if isinstance(found, tuple) else (found,):
            if not least <= value <= most:  # which is so for NaN, too
                raise ValueError(f"{field} is {value!r}, which is not between {least} and {most}")


def _check_products(config: ModelConfig, limits: dict[tuple[str, ...], int]) -> None:
    for names, most in limits.items():
        values = [getattr(config, name) for name in names]
        product = math.prod(len(value) if isinstance(value, tuple) else value for value in values)
        if product > most:
            raise ValueError(f"{' times '.join(names)} is {product}, which is more than {most}")


@dataclass(frozen=True)
class ModelConfig:
    """One member of the Mask R-CNN family. The defaults are the paper's ResNet-50-FPN.

    A loaded checkpoint brings its own: the values in its header win over these defaults and `FROM_SCRATCH`. Its copy
    with another value is written by `tools.builtin_weights.export OLD NEW --config box_nms=0.3`.
    """

    classes: int = 80
    """Object classes, background not counted."""
    backbone: Backbone = "resnet50"
    width: float = 1.0
    """Multiplies the channels of a MobileNet (Sandler et al., *MobileNetV2*, CVPR 2018, sec. 6.1)."""
    features: Features = "fpn"
    """c4: stride 16, res5 per region (Fig. 4 left); c5: stride 32 (Table 2d); fpn: strides 4 to 64 (Fig. 4 right)."""
    box_body: BoxBody = "none"
    """With fpn. cspnet: proposals and boxes have a body of their own, with maps of strides 8 to 32 by path aggregation
    (Liu et al., *PANet*, CVPR 2018), so that a detector's knowledge is kept as it is; the paper shares one."""
    box_step: int = 8
    """Pixels along a cell of the finest of its maps; with more than 8 that body is shown the picture smaller."""
    channels: int = 256
    """Width of the pyramid and of the mask head's convolutions (FPN, sec. 3; paper, Fig. 4)."""
    batch_norm: BatchNorm = "frozen"
    """Frozen is what the ResNet detectors of the paper's code base do: eight photos are too few for statistics."""
    roi_layer: RoILayer = "align"
    roi_reduce: RoIReduce = "average"
    """How a bin's four samples become one (paper, sec. 3: max or average); RoIPool has no samples, and takes max."""
    roi_half_pixel: bool = False
    """True places feature (0, 0) at the centre of its cell; False is the placing of torchvision's official weights. The
    same for all three layers: those that round do so to the cells as they are placed."""
    res5_stride: int = 2
    """With c4. 2: regions of 14x14, which res5 halves, as the paper's released code does; 1: regions of 7x7, which it
    keeps, as Fig. 4 draws it."""
    box_head: BoxHead = "mlp"
    """mlp: two fully connected layers (FPN, sec. 4.2); conv: four 3x3 with batch norm, then one (torchvision's v2)."""
    box_canonical: float = 224.0
    """Side in pixels of the region that the box head takes from stride 16 (FPN, eq. 1: 224); less for features of a
    detector that finds small objects on coarse maps."""
    box_agnostic: bool = False
    """Whether the offsets of a box are the same for all classes (R-FCN; Cascade R-CNN), so that those of a class with
    few examples are learned from all objects, rather than each class's own (Fast R-CNN)."""
    box_width: int = 1024
    """Width of the fully connected layers of the box head (FPN, sec. 4.2)."""
    mask_head: MaskHead = "fcn"
    """fcn: Fig. 4; mlp2 and mlp3: the two of Table 2e; none: Faster R-CNN with RoIAlign (Table 3)."""
    mask_loss: MaskLoss = "sigmoid"
    """sigmoid: a binary mask per class; softmax: the classes compete (Table 2b)."""
    any_mask: bool = False
    """Whether channel 0 of the mask head, which the paper leaves to background, learns the masks of all classes: new
    classes start from it. Means nothing where the classes' masks compete (softmax)."""
    fit_edges: bool = False
    """Whether predicted masks are fitted to the edges of the photo (`model.inference.edge_snapping`), which the paper
    does not do."""
    mask_score: bool = False
    """Whether a detection's score is its class's probability times how sure its mask is of its cells, rather than the
    probability alone as in the paper (Wang et al., *SOLO*, ECCV 2020: maskness)."""
    keypoint_score: float = 0.0
    """Power of the mean certainty of its keypoints, over `keypoint_certainty`, with which the odds of a detection's
    score are multiplied, 0 in the paper: where scores tell how well boxes fit rather than whose joints are seen,
    keypoint AP gains more than boxes lose."""
    keypoint_certainty: float = 1.0
    """Mean certainty that leaves a score as it is then: about what true objects have."""
    score_shifts: tuple[float, ...] = ()
    """What is added to the log-odds of a detection's score, one for each class; the paper adds nothing. Fine-tuning
    finds them on photos that the model has not learned from (`model.evaluation.score_calibration`)."""
    mask_norm: bool = False
    """Batch norm inside the mask head's and the pyramid's convolutions (torchvision's v2)."""
    keypoints: int = 0
    """Keypoint types, each a one-hot 56x56 mask (sec. 5); 0 for no keypoint head."""
    keypoint_width: int = 512
    """Width of the eight convolutions of the keypoint head (sec. 5)."""
    keypoint_convs: int = 8
    keypoint_half_pixel: bool = True
    """Whether keypoints are learned as COCO counts, by the number of a pixel, whose centre lies half a pixel further.
    False: as torchvision's official weights have learned them, whose places scale as they are."""
    anchor_sizes: tuple[float, ...] = (32, 64, 128, 256, 512)
    """Square roots of the anchor areas in pixels (FPN, sec. 4.1: one per level; C4 and C5 carry all at one level)."""
    anchor_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    """Height over width (paper, sec. 3.1: 5 scales and 3 aspect ratios)."""
    rpn_box: RPNBox = "offsets"
    """offsets: of each anchor (Faster R-CNN, sec. 3.1); distances: from a cell to the four sides, each a distribution
    (Li et al., *Generalized Focal Loss*, NeurIPS 2020), which the detector of a checkpoint may have learned."""
    rpn_kinds: int = 1
    """With distances: how many kinds of object a cell has a logit for, of which the greatest is that of an object."""
    rpn_score: bool = False
    """Whether a detection's score is the geometric mean of its class's probability and its proposal's, rather than the
    first alone as in the paper (Zhou et al., *Probabilistic two-stage detection*, 2021): a proposal network that has
    seen more than the box head knows better which of the boxes around an object is the best."""
    rpn_convs: int = 1
    """3x3 convolutions before the RPN's outputs (Faster R-CNN: 1; torchvision's v2: 2)."""
    rpn_pre_nms: int = 1000
    """Proposals a level kept before non-maximum suppression at test time (torchvision; the paper keeps more)."""
    rpn_post_nms: int = 1000
    """Proposals a photo at test time (paper, sec. 3.1: 300 for C4 and 1000 for FPN)."""
    rpn_nms: float = 0.7
    """Faster R-CNN, sec. 3.3."""
    box_nms: float = 0.5
    """IoU of two detections of one class above which the weaker goes (Fast R-CNN's code). As of every field, the value
    in the header of a loaded checkpoint wins."""
    detections: int = 100
    """Detections a photo at most (paper, sec. 3.1: 100); pictures of cells hold more."""
    short_side: int = 800
    """Photos are scaled so that the shorter side has this many pixels (paper, sec. 3.1) ..."""
    long_side: int = 1333
    """... unless the longer one would pass this (Detectron)."""

    def __post_init__(self) -> None:
        """Refuse a combination that no network can have, so that a damaged file cannot ask for one.

        Raises:
            ValueError: With one sentence naming the field.
        """
        _check_words(self)
        _check_limits(self, MODEL_LIMITS)
        _check_products(self, PRODUCT_LIMITS)
        if self.mask_head.startswith("mlp") or (self.mask_loss == "softmax" and self.mask_head != "none"):
            _check_products(self, {("classes", "detections"): WHOLE_MASKS})
        if self.width != 1 and not self.backbone.startswith("mobilenet"):
            raise ValueError(f"width is {self.width!r}, which only a MobileNet can have")
        if self.roi_layer == "pool" and self.roi_reduce != "max":
            raise ValueError(f"roi_reduce is {self.roi_reduce!r}, but RoIPool takes the greatest: it needs max")
        if not self.anchor_sizes or not self.anchor_ratios:
            raise ValueError("anchor_sizes and anchor_ratios need at least one value each")
        if len(self.score_shifts) not in (0, self.classes):
            raise ValueError(f"score_shifts has {len(self.score_shifts)} values, which is not one for each class")
        if self.box_body != "none" and self.features != "fpn":
            raise ValueError(f"box_body is {self.box_body!r}, which only a network with features=fpn can have")
        if self.rpn_box == "distances" and len(self.anchor_ratios) > 1:
            raise ValueError("anchor_ratios has several values, but a cell has one box where rpn_box is distances")

    @property
    def strides(self) -> tuple[int, ...]:
        """Pixels of the picture along a cell of each of the backbone's maps."""
        if self.features != "fpn":
            return (16,) if self.features == "c4" else (32,)
        step = self.box_step
        return (4, 8, 16, 32, *((64,) if self.box_body == "none" else (step, 2 * step, 4 * step)))

    @property
    def rpn_maps(self) -> slice:
        """Which of the backbone's maps proposals come from: with a pyramid all (FPN, sec. 4.1)."""
        return slice(4, 7) if self.box_body != "none" else slice(None)

    @property
    def box_maps(self) -> slice:
        """Which the box head's regions are pooled from: not the coarsest of a feature pyramid."""
        return slice(4, 7) if self.box_body != "none" else slice(4)

    @property
    def mask_maps(self) -> slice:
        """Which those of masks and keypoints are pooled from."""
        return slice(4)

    @property
    def draws_anything(self) -> bool:
        """Whether channel 0 of the mask head is the mask of an object of whatever class."""
        return self.any_mask and self.mask_head != "none" and self.mask_loss == "sigmoid"


FROM_SCRATCH = ModelConfig(
    backbone="mobilenet_v2",
    width=1.5,
    channels=128,
    roi_half_pixel=True,
    any_mask=True,
    fit_edges=True,
    mask_score=True,
    box_width=512,
    box_nms=0.4,
    keypoints=17,
    keypoint_width=128,
    keypoint_convs=4,
    anchor_sizes=(16, 32, 64, 128, 256),
    rpn_pre_nms=500,
    rpn_post_nms=300,
    short_side=416,
    long_side=693,
)
"""Config of a training that starts without a checkpoint: both heads over MobileNetV2, small enough for two CPU cores.

The shipped network is another one, made by `tools/builtin_weights`: its config is in its header.
"""


@dataclass(frozen=True)
class TrainConfig:
    """How a network is trained. Sampling and loss follow the paper, the optimiser what a small data set needs.

    `train --set NAME=VALUE` wins over these defaults; fine-tuning chooses its own
    (`model.finetuning.hyperparameters`), which `--set` does not reach. Nothing here is read from a checkpoint's header.
    """

    epochs: int = 12
    minutes: float = 0.0
    """When positive, the schedule follows the clock instead: training ends after this much time at the final rate."""
    batch: int = 4
    learning_rate: float = 3e-4
    """AdamW's. The paper trains with SGD at 0.02 and 16 photos, from which a few hundred photos gain nothing."""
    body_rate: float = 0.3
    """Share of the learning rate that the backbone's body gets: it comes with weights worth keeping."""
    weight_decay: float = 1e-4
    """Paper, sec. 3.1."""
    warmup: int = 100
    """Steps of linear rise."""
    schedule: Literal["cosine", "step"] = "cosine"
    """step divides the rate by 10 at 3/4 and 15/16 of the way (paper, sec. 3.1: at 120k of 160k)."""
    clip: float = 5.0
    """Greatest norm of the gradient."""
    ema: float = 0.998
    """Decay of the moving average of the weights, which is what is evaluated and kept; 0 for none."""
    rpn_batch: int = 256
    """Anchors a photo in the RPN's loss, half of them positive (Faster R-CNN, sec. 3.1.3)."""
    rpn_pre_nms: int = 1000
    rpn_post_nms: int = 500
    """Proposals kept a photo while training (paper: 2000)."""
    box_batch: int = 128
    """RoIs a photo in the box loss (paper, sec. 3.1: 64 for C4, 512 for FPN) ..."""
    box_positive: float = 0.25
    """... of which this share is positive (paper, sec. 3.1: 1:3)."""
    mask_batch: int = 24
    """Positive RoIs a photo at most in the mask and in the keypoint loss."""
    keypoint_weight: float = 0.4
    """Weight of the keypoint loss, whose scale (log 56*56) would drown the others."""
    scales: tuple[int, ...] = (320, 352, 384)
    """Short side of a batch's canvas: drawn for each batch."""
    early_scales: tuple[int, ...] = (256, 288, 320)
    """The same for epochs that begin within the first `early_share`: small pictures teach the coarse things faster."""
    early_share: float = 0.4
    frozen_stages: int = 1
    """Stages of the backbone, from the stem on, that keep their weights (Detectron: the stem and the first)."""
    freeze: Literal["none", "neck", "heads"] = "none"
    """neck: the whole body keeps its weights, and the pyramid is trained; heads: the pyramid keeps its weights too."""
    jitter: tuple[float, float] = (0.75, 1.3)
    """Scale of a photo relative to the one that fits the canvas."""
    flip: bool = True
    colour: float = 0.3
    """Strength of brightness, contrast and saturation jitter."""
    paste: float = 0.0
    """Share of the photos into which objects of another one are pasted."""
    seed: int = 0
    workers: int = 0
    """Processes that load photos beside the one that trains."""

    def __post_init__(self) -> None:
        """Refuse what no training can have.

        Raises:
            ValueError: With one sentence naming the field.
        """
        _check_words(self)
        _check_limits(self, TRAIN_LIMITS)
        if not self.scales or not self.early_scales:
            raise ValueError("scales and early_scales need at least one value each")
        if len(self.jitter) != 2 or self.jitter[0] > self.jitter[1]:
            raise ValueError(f"jitter is {list(self.jitter)!r}: the least scale and the greatest are asked for")
