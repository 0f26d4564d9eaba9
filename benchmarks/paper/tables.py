"""The paper's tables: which networks they compare, and what it found (He et al., arXiv:1703.06870)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Data = Literal["objects", "persons", "keypoints"]
"""objects: many classes; persons: one class with masks and keypoints; keypoints: the same, at full size."""


@dataclass(frozen=True)
class Kind:
    """What a network is apart from its backbone: changes to the config that all networks of a size start from."""

    changes: dict[str, Any]
    data: Data = "persons"
    """What it learns from at reduced size."""
    full_data: Data = "objects"
    """The same at full size."""
    times: int = 1
    """How many times as many steps as the others it takes at reduced size."""
    reduced_changes: dict[str, Any] = field(default_factory=dict)
    """Changes to the config beside `changes`, at reduced size."""
    reduced_training: dict[str, Any] = field(default_factory=dict)
    """Changes to the training that all have in common, at reduced size."""


@dataclass(frozen=True)
class Row:
    """One row of a table."""

    label: str
    backbone: str
    kind: str
    """One of KINDS."""
    figures: dict[str, float]
    """The paper's, in points, by what was measured: `mask AP`."""
    reduced: str | None = ""
    """The kind of the reduced network that stands for it; empty for the same kind, None where there is none."""

    def kind_at(self, *, full: bool) -> str | None:
        """Return the kind of network that is trained for this row."""
        return self.kind if full or self.reduced == "" else self.reduced


@dataclass(frozen=True)
class Table:
    """One table of the paper."""

    name: str
    title: str
    rows: tuple[Row, ...]
    least: float = 1.0
    """Points between two rows from which the paper's order is put to the test."""
    note: str = ""
    """What is different at reduced size."""


def _c4(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever the config has
    return {"features": "c4", "rpn_post_nms": 300, **changes}


def _keypoints(**changes: Any) -> Kind:  # noqa: ANN401 - whatever the config has
    # On photos of 192 px, and with the weight that joints have beside everyday objects, keypoint AP stayed at 17.
    return Kind(
        {"keypoints": 17, **changes},
        full_data="keypoints",
        times=4,
        reduced_changes={"short_side": 256, "long_side": 924},
        reduced_training={"scales": (256,), "early_scales": (256,), "keypoint_weight": 1.0},
    )


_POOL: dict[str, Any] = {"roi_layer": "pool", "roi_reduce": "max"}

KINDS: dict[str, Kind] = {
    "FPN": Kind({}),
    "C4": Kind(_c4()),
    "C4, many classes": Kind(_c4(), data="objects"),
    "C4, many classes, softmax": Kind(_c4(mask_loss="softmax"), data="objects"),
    "C4, RoIPool": Kind(_c4(**_POOL)),
    "C4, RoIWarp max": Kind(_c4(roi_layer="warp", roi_reduce="max")),
    "C4, RoIWarp average": Kind(_c4(roi_layer="warp")),
    "C4, RoIAlign max": Kind(_c4(roi_reduce="max")),
    "C5, RoIPool": Kind(_c4(**_POOL, features="c5")),
    "C5, RoIAlign": Kind(_c4(features="c5")),
    "FPN, MLP of two": Kind({"mask_head": "mlp2"}),
    "FPN, MLP of three": Kind({"mask_head": "mlp3"}),
    "FPN, boxes only": Kind({"mask_head": "none"}),
    "FPN, keypoints only": _keypoints(mask_head="none"),
    "FPN, keypoints and masks": _keypoints(),
    "FPN, keypoints only, RoIPool": _keypoints(mask_head="none", **_POOL),
}
R50, R101, X101 = "resnet50", "resnet101", "resnext101_64x4d"


def _mask(ap: float, ap50: float, ap75: float) -> dict[str, float]:
    return {"mask AP": ap, "mask AP50": ap50, "mask AP75": ap75}


def _box(*values: float) -> dict[str, float]:
    names = ("AP", "AP50", "AP75", "APS", "APM", "APL")
    return {f"box {name}": value for name, value in zip(names, values, strict=False)}


TABLES: tuple[Table, ...] = (
    Table(
        "2a",
        "backbone",
        (
            Row("R50-C4", R50, "C4", _mask(30.3, 51.2, 31.5)),
            Row("R101-C4", R101, "C4", _mask(32.7, 54.2, 34.3), None),
            Row("R50-FPN", R50, "FPN", _mask(33.6, 55.2, 35.3)),
            Row("R101-FPN", R101, "FPN", _mask(35.4, 57.3, 37.5), None),
            Row("X101-FPN", X101, "FPN", _mask(36.7, 59.5, 38.9), None),
        ),
        note="MobileNetV2 stands for R50. Deeper rows are left out: weights of one depth only were to be had. The "
        "heads of C4 begin with the last stage of the trained body, those of FPN with noise, which so few steps may "
        "favour.",
    ),
    Table(
        "2b",
        "mask loss, C4",
        (
            Row("softmax", R50, "C4, many classes, softmax", _mask(24.8, 44.1, 25.1)),
            Row("sigmoid", R50, "C4, many classes", _mask(30.3, 51.2, 31.5)),
        ),
        note="With the 12 supercategories of `coco_all`: with one class, as elsewhere here, the losses are the same.",
    ),
    Table(
        "2c",
        "RoI layer, C4, stride 16",
        (
            Row("RoIPool, max", R50, "C4, RoIPool", _mask(26.9, 48.8, 26.4)),
            Row("RoIWarp, max", R50, "C4, RoIWarp max", _mask(27.2, 49.2, 27.1)),
            Row("RoIWarp, average", R50, "C4, RoIWarp average", _mask(27.1, 48.9, 27.1)),
            Row("RoIAlign, max", R50, "C4, RoIAlign max", _mask(30.2, 51.0, 31.8)),
            Row("RoIAlign, average", R50, "C4", _mask(30.3, 51.2, 31.5)),
        ),
    ),
    Table(
        "2d",
        "RoI layer, C5, stride 32",
        (
            Row("RoIPool", R50, "C5, RoIPool", {**_mask(23.6, 46.5, 21.6), **_box(28.2, 52.7, 26.9)}),
            Row("RoIAlign", R50, "C5, RoIAlign", {**_mask(30.9, 51.8, 32.1), **_box(34.0, 55.3, 36.4)}),
        ),
    ),
    Table(
        "2e",
        "mask head, FPN",
        (
            Row("MLP 1024-1024-K·28²", R50, "FPN, MLP of two", _mask(31.5, 53.7, 32.8)),
            Row("MLP 1024-1024-1024-K·28²", R50, "FPN, MLP of three", _mask(31.5, 54.0, 32.6)),
            Row("FCN", R50, "FPN", _mask(33.6, 55.2, 35.3)),
        ),
    ),
    Table(
        "3",
        "boxes, with and without the mask branch, FPN",
        (
            Row("Faster R-CNN, RoIAlign", R101, "FPN, boxes only", _box(37.3, 59.6, 40.3, 19.8, 40.2, 48.8)),
            Row("Mask R-CNN", R101, "FPN", _box(38.2, 60.3, 41.7, 20.1, 41.1, 50.2)),
            Row("Mask R-CNN, X101", X101, "FPN", _box(39.8, 62.3, 43.4, 22.1, 43.2, 51.2), None),
        ),
        least=0.5,
        note="MobileNetV2 stands for R101.",
    ),
    Table(
        "keypoints",
        "keypoints, FPN",
        (
            Row("RoIPool, keypoints only", R50, "FPN, keypoints only, RoIPool", {"keypoints AP": 58.3}),
            Row("RoIAlign, keypoints only", R50, "FPN, keypoints only", {"keypoints AP": 62.7}),
            Row("RoIAlign, keypoints and masks", R50, "FPN, keypoints and masks", {"keypoints AP": 63.1}),
        ),
        least=0.4,
        note="The paper's figure for RoIPool is that of RoIAlign less the 4.4 points it states (Table 6). Four times "
        "as many steps as elsewhere, on photos of 256 px: joints are learned last, and are small.",
    ),
)


@dataclass(frozen=True)
class Variant:
    """A network to train: one for all the rows that name it."""

    backbone: str
    kind: str

    def __str__(self) -> str:
        """Name it."""
        return f"{self.backbone} {self.kind}"


def variant_of(row: Row, *, full: bool) -> Variant | None:
    """Return what is trained for a row, or None where that cannot be done at reduced size."""
    kind = row.kind_at(full=full)
    if kind is None:
        return None
    if full:
        same = {"C4, many classes": "C4"}  # at full size everything has many classes
        return Variant(row.backbone, same.get(kind, kind))
    return Variant("mobilenet_v2", kind)


def variants(tables: Iterator[Table] | tuple[Table, ...], *, full: bool) -> list[Variant]:
    """Return every network that the tables need, each once."""
    wanted = [variant_of(row, full=full) for table in tables for row in table.rows]
    return list(dict.fromkeys(v for v in wanted if v is not None))
