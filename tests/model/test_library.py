"""The example of the README for those who use it as a library."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from resources import SAMPLES

ROOT = Path(__file__).parents[2]


def test_the_example_runs(tmp_path: Path) -> None:
    shutil.copy(SAMPLES / "cat.jpg", tmp_path / "photo.jpg")
    (tmp_path / "photos").mkdir()
    shutil.copy(SAMPLES / "cat.jpg", tmp_path / "photos")
    image = {"id": 1, "file_name": "cat.jpg", "width": 512, "height": 512}
    category, box = {"id": 1, "name": "person"}, [50, 50, 100, 100]
    objects = [{"id": 1, "image_id": 1, "category_id": 1, "bbox": box, "area": 10000, "iscrowd": 0}]
    contents = {"images": [image], "categories": [category], "annotations": objects}
    (tmp_path / "annotations.json").write_text(json.dumps(contents))
    examples = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    (example,) = (code for code in examples if "load_predictor" in code)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", example + "\nimport sys; assert 'torch' not in sys.modules"]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert re.search(r"\w+ 0\.\d\d at \[.*\], \d+ pixels", ran.stdout)
    assert "'box': {'AP': 0.0" in ran.stdout
