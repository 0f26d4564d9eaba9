from __future__ import annotations

from pathlib import Path

from model.data.batching import samples_of
from model.data.training_images import TrainingImage


def test_the_same_photos_in_another_folder_are_drawn_alike() -> None:
    names = ("a.jpg", "b/c.jpg", "d/c.jpg")
    here, there = (samples_of([TrainingImage(Path(top) / n, 8, 6) for n in names]) for top in ("here", "there"))
    assert [s.digest for s in here] == [s.digest for s in there]
    assert len({s.digest for s in here}) == len(names)
