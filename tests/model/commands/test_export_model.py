from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from shutil import copy
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest

from model.checkpoints import checkpoint
from model.commands import export_model
from model.graphs.rounding import ENOUGH
from model.graphs.whole import SCORE
from model.inference.keypoint_decoding import locate_roughly
from model.inference.predictor import Predictor
from resources import SAMPLES

if TYPE_CHECKING:
    from model.checkpoints.checkpoint import Checkpoint

pytestmark = pytest.mark.usefixtures("repeatable")

README = Path(__file__).parents[3] / "README.md"
PHOTO = np.random.default_rng(0).integers(0, 255, (96, 130, 3), np.uint8)
"""As large as the tiny network's input, so that nothing is interpolated, which each does in its own way."""


def test_the_file_finds_what_the_application_finds(
    tiny_checkpoint: Checkpoint,
    tiny_weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ANNOTATOR_BF16", "0")
    file = tmp_path / "model.onnx"
    assert export_model.main([str(tiny_weights), str(file)]) == 0
    assert str(file) in capsys.readouterr().out
    session = onnxruntime.InferenceSession(file.read_bytes(), providers=["CPUExecutionProvider"])
    assert json.loads(session.get_modelmeta().custom_metadata_map["classes"]) == {"1": "person", "2": "box"}
    predictor = Predictor(tiny_checkpoint, "cpu")
    boxes, scores, labels, masks, keypoints = (np.asarray(v) for v in session.run(None, {"photo": PHOTO}))
    predictor.set_image(PHOTO)
    regions = predictor._require_image()
    found = regions.detect(0.05, 100)
    assert len(found.boxes) > 2
    np.testing.assert_allclose(boxes, found.boxes, atol=1e-2)
    np.testing.assert_allclose(scores, found.scores, atol=1e-3)
    np.testing.assert_array_equal(labels, found.labels)
    own = regions.masks(found.boxes, found.labels)
    np.testing.assert_allclose(masks, own, atol=1e-3)
    points = locate_roughly(predictor._engine.keypoints(regions._features, found.boxes), found.boxes)
    assert (np.abs(keypoints[..., :2] - points) < 0.01).mean() > 0.9
    for photo in (PHOTO[:64], np.repeat(np.repeat(PHOTO, 4, 0), 4, 1)):  # one is enlarged, one reduced
        boxes, *_ = (np.asarray(v) for v in session.run(None, {"photo": np.ascontiguousarray(photo)}))
        assert len(boxes) > 2
        assert (boxes >= 0).all()
        assert (boxes <= np.tile(photo.shape[1::-1], 2) + 1e-3).all()
        assert boxes.max() > 0.5 * photo.shape[1]


def test_the_file_moves_scores_as_the_application_does(
    tiny_checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANNOTATOR_BF16", "0")
    config = replace(tiny_checkpoint.config, score_shifts=(1.5, -1.0), mask_score=False, keypoint_score=0.0)
    tuned = replace(tiny_checkpoint, config=config)
    checkpoint.write(tmp_path / "tuned.safetensors", tuned)
    assert export_model.main([str(tmp_path / "tuned.safetensors"), str(tmp_path / "model.onnx")]) == 0
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    _, scores, labels, *_ = (np.asarray(v) for v in session.run(None, {"photo": PHOTO}))
    predictor = Predictor(tuned, "cpu")
    predictor.set_image(PHOTO)
    for label, category in enumerate(tuned.categories, 1):
        expected = [i.score for i in predictor.detect(SCORE) if i.category_id == category.id]
        assert expected
        np.testing.assert_allclose(np.sort(scores[labels == label]), np.sort(expected), atol=1e-3)


@pytest.mark.slow  # the built-in model, sixteen photos, three times
def test_in_8_bits_it_finds_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, folder = tmp_path / "model.onnx", tmp_path / "photos"
    folder.mkdir()
    for number in range(ENOUGH):
        copy(SAMPLES / "group.jpg", folder / f"{number}.jpg")
    assert export_model.main(["builtin", str(file), "--int8", "--images", str(folder)]) == 0
    assert "sure detections agree" in capsys.readouterr().out
    assert file.stat().st_size < 13_000_000
    session = onnxruntime.InferenceSession(file.read_bytes(), providers=["CPUExecutionProvider"])
    assert "person" in session.get_modelmeta().custom_metadata_map["classes"]


@pytest.mark.slow  # another process
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


def test_a_file_that_is_there_is_replaced_only_if_told(
    tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.onnx"
    file.write_text("mine")
    assert export_model.main([str(tiny_weights), str(file)]) == 2
    assert capsys.readouterr().err == f"{file} is there already; --overwrite replaces it.\n"
    assert file.read_text() == "mine"
    assert export_model.main([str(tiny_weights), str(file), "--overwrite"]) == 0
    assert file.stat().st_size > 1000


def test_what_cannot_be_written_is_said(tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "folder.onnx").mkdir()
    for arguments, sentence in (
        ([str(tiny_weights), str(tmp_path / "model.txt")], "let it end with .onnx"),
        ([str(tiny_weights), str(tiny_weights / "model.onnx")], "cannot be written"),
        ([str(tiny_weights), str(tmp_path / "folder.onnx")], "is a folder: name a file."),
        ([str(tmp_path / "none.safetensors"), str(tmp_path / "model.onnx")], "There are no weights"),
        ([str(tiny_weights), str(tmp_path / "model.onnx"), "--int8"], "--images"),
        (
            [str(tiny_weights), str(tmp_path / "model.onnx"), "--int8", "--images", str(tmp_path)],
            "fewer than 16 photos",
        ),
    ):
        assert export_model.main(arguments) == 2
        said = capsys.readouterr().err
        assert sentence in said
        assert "--output" not in said, "there is no such option"
    assert [path.name for path in tmp_path.glob("*.onnx")] == ["folder.onnx"]
