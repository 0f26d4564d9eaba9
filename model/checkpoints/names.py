"""What weights are called, and where they are; torch is not needed to know it."""

from __future__ import annotations

import os
from pathlib import Path

from dataset.messages import UserError
from resources import WEIGHTS

BUILTIN_FILE = WEIGHTS / "builtin.safetensors"
BUILTIN_GRAPHS = WEIGHTS / "builtin.graphs"
"""The same network as graphs: `model.inference.graph_file`."""
OFFICIAL_FILES = {
    "coco": "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth",
    "coco-v2": "maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth",
    "coco-keypoints": "keypointrcnn_resnet50_fpn_coco-fc266e95.pth",
}
"""Files of torchvision's detectors (`model.checkpoints.torchvision_weights.OFFICIAL`) in torch's cache."""


NAMES = ("builtin", *OFFICIAL_FILES)
"""Weights that have a name."""


class WeightsError(UserError):
    """Weights cannot be used; the text is one sentence that names them and says what to do."""


def are_there(name: str) -> bool:
    """Return whether a name is one that `model.checkpoints.weights.load` knows, or a file."""
    return name in NAMES or Path(name).is_file()


def state_of(checkpoint: Path) -> Path:
    """Return the file beside a checkpoint with the state that a training of it which was stopped goes on from."""
    return checkpoint.with_suffix(".resume")


def file_of(name: str) -> Path | None:
    """Return the file of weights, or None where there is none on this computer."""
    if name == "builtin":
        file = BUILTIN_FILE
    elif name in OFFICIAL_FILES:
        home = os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "torch")
        file = Path(home).expanduser() / "hub" / "checkpoints" / OFFICIAL_FILES[name]
    else:
        file = Path(name)
    return file if file.is_file() else None
