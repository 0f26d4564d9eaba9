from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import onnxruntime
import pytest

from model.commands import export_model
from model.inference.predictor import Predictor

if TYPE_CHECKING:
    from model.checkpoints.checkpoint import Checkpoint

pytestmark = pytest.mark.usefixtures("repeatable")

README = Path(__file__).parents[3] / "README.md"
PHOTO = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (90, 130, 3), np.uint8), None, 2).astype(np.uint8)


def test_the_file_finds_what_the_application_finds(
    tiny_checkpoint: Checkpoint, tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "model.onnx"
    assert export_model.main([str(tiny_weights), str(file)]) == 0
    assert str(file) in capsys.readouterr().out
    session = onnxruntime.InferenceSession(file.read_bytes(), providers=["CPUExecutionProvider"])
    assert json.loads(session.get_modelmeta().custom_metadata_map["classes"]) == {"1": "person", "2": "box"}
    predictor = Predictor(tiny_checkpoint, "cpu")
    photos = (PHOTO, np.ascontiguousarray(PHOTO.transpose(1, 0, 2)), np.repeat(np.repeat(PHOTO, 4, 0), 4, 1))
    for photo in photos:
        boxes, scores, labels, masks, keypoints = (np.asarray(v) for v in session.run(None, {"photo": photo}))
        predictor.set_image(photo)
        found = predictor._engine.detect(predictor._features, 0.05, 100)
        assert len(boxes) == len(scores) == len(labels) == len(masks) == len(keypoints) > 2
        assert (np.diff(scores) <= 0).all()
        expected = found.boxes / np.tile(predictor._scale, 2)
        near = np.abs(boxes[:, None] - expected[None]).max(2)  # both interpolate, each in its own way
        same = (near < 3) & (labels[:, None] == found.labels) & (np.abs(scores[:, None] - found.scores) < 0.05)
        assert same.any(1).mean() > 0.8
        assert ((masks >= 0) & (masks <= 1)).all()
        assert (keypoints[..., 0] >= boxes[:, None, 0]).all()
        assert (keypoints[..., 0] <= boxes[:, None, 2]).all()


def test_the_example_of_the_readme_runs(tiny_weights: Path, tmp_path: Path) -> None:
    assert export_model.main([str(tiny_weights), str(tmp_path / "model.onnx")]) == 0
    np.save(tmp_path / "photo.npy", PHOTO)
    (example,) = (
        code
        for code in re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
        if "onnxruntime" in code
    )
    ran = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert re.fullmatch(r"((person|box) \d\.\d\d at .*\n)*", ran.stdout)


def test_what_cannot_be_written_is_said(tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, sentence in (
        ([str(tiny_weights), str(tmp_path / "model.txt")], "let it end with .onnx"),
        ([str(tiny_weights), str(tmp_path / "no" / "model.onnx")], "does not exist"),
        ([str(tmp_path / "none.safetensors"), str(tmp_path / "model.onnx")], "There are no weights"),
    ):
        assert export_model.main(arguments) == 2
        assert sentence in capsys.readouterr().err
    assert not list(tmp_path.glob("*.onnx"))
