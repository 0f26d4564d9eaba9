from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b

import pytest

from model.checkpoints.checkpoint import Checkpoint
from model.config import FROM_SCRATCH, ModelConfig, TrainConfig
from model.config_values import changed, model_config, to_dict


def test_settings_of_before_there_was_a_width_are_read() -> None:
    values = to_dict(FROM_SCRATCH)
    del values["width"]
    assert model_config(values).width == 1.0


def test_a_backbone_that_is_no_mobilenet_takes_its_own_width() -> None:
    found = changed(FROM_SCRATCH, ["backbone=resnet18", "features=c4"])
    assert (found.backbone, found.features, found.width) == ("resnet18", "c4", 1.0)
    assert changed(FROM_SCRATCH, ["backbone=mobilenet_v3_large"]).width == FROM_SCRATCH.width
    with pytest.raises(ValueError, match="width is 2"):
        changed(FROM_SCRATCH, ["backbone=resnet18", "width=2"])


def test_a_training_is_changed_as_a_network_is() -> None:
    found = changed(TrainConfig(), ["schedule=step", "scales=[64, 96]", "ema=0", "flip=false"])
    assert (found.schedule, found.scales, found.ema, found.flip) == ("step", (64, 96), 0.0, False)


def test_a_field_that_is_yet_to_come_leaves_what_is_kept_of_a_network_good() -> None:
    """Graphs and suggestions are kept under the digest: it counts what is otherwise than by default."""
    digests = [
        Checkpoint(config, (), {}).config_digest()
        for config in (ModelConfig(), FROM_SCRATCH, replace(FROM_SCRATCH, box_nms=0.3))
    ]
    assert digests[0] == blake2b(b"{}", digest_size=4).hexdigest()
    assert len(set(digests)) == 3
