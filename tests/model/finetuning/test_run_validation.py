from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dataset import rle
from dataset.coco.categories import Category
from model.data.unreadable_images import UnreadableImages
from model.distributed import ProcessGroup
from model.evaluation.paired_bootstrap import agreement_sentence
from model.finetuning.class_mapping import ClassMapping
from model.finetuning.run_validation import MIN_CONFIDENT, Validator

OWN, KEPT = 1, 2


@pytest.fixture
def validator() -> Validator:
    classes = ClassMapping((Category(OWN, "balloon"), Category(KEPT, "person")), 1, (None, 1), ("balloon",))
    return Validator(
        Path(), classes, "cpu", team=ProcessGroup(), check_cancelled=lambda: None, missing=UnreadableImages()
    )


def found(count: int, *, x: float = 0, score: float = 0.9, category: int = KEPT) -> list[dict[str, Any]]:
    """One object in each of so many photos."""
    ring = [x, 0, x + 20, 0, x + 20, 20, x, 20]
    mask = rle.encode(rle.decode(rle.from_polygons([ring], (30, 90))))
    return [{"image_id": i, "category_id": category, "score": score, "segmentation": mask} for i in range(count)]


def test_models_that_see_the_same_agree(validator: Validator) -> None:
    assert validator.agreement(found(8), found(8)) == {"person": 1.0}


def test_what_is_no_longer_seen_and_what_is_newly_seen_both_count(validator: Validator) -> None:
    assert validator.agreement(found(8), found(4)) == {"person": pytest.approx(8 / 12, abs=1e-3)}
    everywhere = found(8) + found(8, x=30) + found(8, x=60)
    assert validator.agreement(found(8), everywhere) == {"person": 0.5}


def test_what_the_other_half_sees_counts_as_seen(validator: Validator) -> None:
    assert validator.agreement(found(8), found(8, score=0.4)) == {"person": 1.0}
    assert validator.agreement(found(8), found(8, score=0.1)) == {"person": 0.0}


def test_of_labelled_classes_and_of_few_objects_nothing_is_said(validator: Validator) -> None:
    assert validator.agreement(found(8, category=OWN), []) == {}
    few = MIN_CONFIDENT // 2 - 1
    assert validator.agreement(found(few), found(few)) == {}


def test_the_sentence_names_the_classes() -> None:
    assert agreement_sentence({}) == ""
    assert "person 50%" in agreement_sentence({"person": 0.5})
