"""labelme's annotations, one JSON file beside each image.

An object of several parts, or with keypoints, is several shapes with one `group_id`: polygons (or a rectangle) with
the class as their label, and points with the keypoint's name.
"""

from dataset.formats.base import Format
from dataset.formats.labelme.reading import read
from dataset.formats.labelme.writing import losses, write

FORMAT = Format("labelme", "labelme JSON", "", read, write, losses=losses)
