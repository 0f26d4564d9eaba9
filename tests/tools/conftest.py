from __future__ import annotations

from tests.model.conftest import coco_file, repeatable  # noqa: F401
