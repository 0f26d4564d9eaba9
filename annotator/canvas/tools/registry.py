"""The tools there are. A new tool is a new file beside this one and its name in the tuple."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.canvas.tools.box import BoxTool
from annotator.canvas.tools.polygon import PolygonTool
from annotator.canvas.tools.select import SelectTool

if TYPE_CHECKING:
    from annotator.canvas.tools.base import Tool

TOOLS: tuple[type[Tool], ...] = (SelectTool, PolygonTool, BoxTool)  # the first is in hand at the start
