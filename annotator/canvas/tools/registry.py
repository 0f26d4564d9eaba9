"""The registry of tools. A new tool is a new file beside this one and its class in the list.

Its action, key, menu entry and button in the tool strip follow from what its class declares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.canvas.tools.box import BoxTool
from annotator.canvas.tools.brush import BrushTool
from annotator.canvas.tools.click import ClickTool
from annotator.canvas.tools.eraser import EraserTool
from annotator.canvas.tools.knife import KnifeTool
from annotator.canvas.tools.place_keypoints import PlaceKeypointsTool
from annotator.canvas.tools.polygon import PolygonTool
from annotator.canvas.tools.reshape import ReshapeTool
from annotator.canvas.tools.select import SelectTool
from annotator.canvas.tools.transform import TransformTool

if TYPE_CHECKING:
    from annotator.canvas.tools.base import Tool

TOOLS: list[type[Tool]] = [
    SelectTool,  # in hand at the start
    TransformTool,
    PolygonTool,
    ReshapeTool,
    BoxTool,
    BrushTool,
    EraserTool,
    ClickTool,
    PlaceKeypointsTool,
    KnifeTool,
]
