"""What the model finds where it was clicked, from the pool of a photo and the photo as the model has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapely.affinity import scale as scaled

from annotator.suggestions.messages import PointAnswer
from dataset.i18n import tr

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from annotator.canvas.tools.base import Clicked
    from annotator.core.annotation import Annotation
    from model.inference.segmenter import Segmenter


def object_at(
    predictor: Segmenter,
    photo: NDArray[np.uint8],
    scale: tuple[float, float],
    pool: tuple[Annotation, ...],
    clicked: Clicked,
) -> PointAnswer:
    """Return the answer to a question, without its number. Called in the model's thread.

    Args:
        predictor: A model whose current image is the photo.
        photo: [height, width, 3] RGB, as the model has it.
        scale: Pixels of the photo on disk along one of those.
        pool: What the model found, in pixels of the photo on disk.
        clicked: In these pixels, too.
    """
    from model.inference.color_region import Click  # noqa: PLC0415 - torch, loaded long since
    from model.inference.point_prompts import Candidate, Means, outline_at  # noqa: PLC0415 - likewise

    x, y = scale
    candidates = [
        Candidate(scaled(s.shape, 1 / x, 1 / y, origin=(0, 0)), s.score or 0.0, s.category_id)
        for s in pool
        if not s.is_box
    ]
    clicks = [Click(px / x, py / y, is_object) for px, py, is_object in clicked.clicks]
    found = outline_at(predictor, photo, candidates, clicks, clicked.turn)
    if found is None:
        return PointAnswer(0, None, text=tr("The model finds nothing here"))
    ways = {
        Means.CANDIDATE: tr("The model's own outline"),
        Means.BOX: tr("Outlined in a guessed box"),
        Means.COLORS: tr("Outlined by colours"),
    }
    text = ways[found.means]
    if len(clicks) == 1 and found.alternatives > 1:
        place = clicked.turn % found.alternatives + 1
        text = tr("{text}, {n} of {total}", text=text, n=place, total=found.alternatives)
    return PointAnswer(0, scaled(found.shape, x, y, origin=(0, 0)), found.category_id, text)
