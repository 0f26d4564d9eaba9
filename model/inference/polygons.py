"""The outline of an object: its mask, fitted to the photo's edges, traced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model.inference.contours import THRESHOLD, mask_polygons
from model.inference.edge_snapping import EdgeGuide, snap_to_edges

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from model.inference.instance import Polygons


def outline(
    mask: NDArray[np.float32],
    box: NDArray[np.float32],
    size: tuple[int, int],
    guide: EdgeGuide | None,
    *,
    exact: bool = True,
) -> Polygons:
    """Return the polygons of an object, largest first; none where nothing is left of it.

    Args:
        mask: [M, M] how probable it is that a cell is object.
        box: [4] xyxy in the photo that the mask lies over.
        size: (height, width) of the photo.
        guide: The photo, where outlines are fitted to its edges.
        exact: False takes a fraction of the time: nothing is fitted, and without a fit the tracing is coarse.
    """
    fitted: Polygons = []
    if exact and guide is not None:
        fitted = mask_polygons(snap_to_edges(mask, guide, box), box, size)
    # What is thin may vanish where no edge holds it.
    return fitted or mask_polygons(mask, box, size, rough=not exact)


def mask_confidence(mask: NDArray[np.float32]) -> float:
    """Return the mean probability of the cells of a mask [M, M] that are object, 0.5..1."""
    inside = mask[mask > THRESHOLD]
    return float(inside.mean()) if len(inside) else THRESHOLD
