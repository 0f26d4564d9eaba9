"""Settings that no network can have are refused; the width of a MobileNet is its channels'."""

from __future__ import annotations

from dataclasses import replace

import pytest

from model.build import build
from model.config import BUILTIN, ModelConfig, model_config, to_dict


def test_width_multiplies_the_channels_of_a_mobilenet() -> None:
    narrow, wide = (build(replace(BUILTIN, width=w)).backbone.body.state_dict() for w in (1.0, 1.5))
    assert wide["0.0.weight"].shape[0] == 1.5 * narrow["0.0.weight"].shape[0]
    assert wide["17.conv.2.weight"].shape[0] == 1.5 * narrow["17.conv.2.weight"].shape[0]


def test_width_is_no_setting_of_other_backbones() -> None:
    with pytest.raises(ValueError, match="width is"):
        ModelConfig(backbone="resnet18", width=1.5)


def test_settings_of_before_there_was_a_width_are_read() -> None:
    values = to_dict(BUILTIN)
    del values["width"]
    assert model_config(values).width == 1.0
