"""Which weights there are, as commands tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataset.i18n import tr
from model.checkpoints.names import NAMES

if TYPE_CHECKING:
    import argparse


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Add the option `--weights` of a command that predicts."""
    text = tr("{weights} (default: builtin)", weights=weights_text())
    parser.add_argument("--weights", default="builtin", metavar="NAME|FILE", help=text)


def weights_text() -> str:
    """Return what a model that predicts may be called."""
    return tr(
        "{names}, a checkpoint file, or two of them joined by +, as in coco+coco-keypoints: masks from the first,"
        " keypoints from the second",
        names=", ".join(NAMES),
    )
