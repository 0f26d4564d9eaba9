"""What weights are called, and where they are; torch is not needed to know it."""

from __future__ import annotations

from pathlib import Path

from dataset.messages import UserError
from resources import WEIGHTS

BUILTIN_FILE = WEIGHTS / "builtin.safetensors"
OFFICIAL_NAMES = ("coco", "coco-v2", "coco-keypoints")
"""torchvision's detectors: `model.checkpoints.torchvision_weights.OFFICIAL`."""


class WeightsError(UserError):
    """Weights cannot be used; the text is one sentence that names them and says what to do."""


def are_there(name: str) -> bool:
    """Return whether a name is one that `model.checkpoints.weights.load` knows, or a file."""
    return name == "builtin" or name in OFFICIAL_NAMES or Path(name).is_file()
