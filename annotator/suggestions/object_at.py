"""What the model finds where it was clicked, in pixels of the photo on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapely.affinity import scale as scaled

from annotator.suggestions.messages import PointAnswer
from dataset.i18n import tr
from model.inference.point_prompts import Click, outline_at

if TYPE_CHECKING:
    from annotator.canvas.tools.base import Clicked
    from model.inference.segmenter import Segmenter


def object_at(predictor: Segmenter, scale: tuple[float, float], clicked: Clicked) -> PointAnswer:
    """Return the answer to a question, without its number. Called in the model's thread.

    Args:
        predictor: A model whose current image is the photo.
        scale: Pixels of the photo on disk along one of those that the model has.
        clicked: In pixels of the photo on disk.
    """
    x, y = scale
    clicks = [Click(px / x, py / y, is_object) for px, py, is_object in clicked.clicks]
    found = outline_at(predictor, clicks, clicked.turn)
    if found is None:
        return PointAnswer(0, None, text=tr("The model finds nothing here"))
    if found.category_id is None:
        text = tr("Outlined by what is like the click")
    else:
        text = tr("The model's own outline") if len(clicks) == 1 else tr("The model's outline, corrected by clicks")
    if len(clicks) == 1 and found.alternatives > 1:
        place = clicked.turn % found.alternatives + 1
        text = tr("{text}, {n} of {total}", text=text, n=place, total=found.alternatives)
    return PointAnswer(0, scaled(found.shape, x, y, origin=(0, 0)), found.category_id, text)
