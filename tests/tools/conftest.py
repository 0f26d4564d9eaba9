from __future__ import annotations

from tests.model.conftest import coco_file, repeatable, tiny_checkpoint, tiny_weights  # noqa: F401
