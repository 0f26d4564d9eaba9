"""COCO files: how odd values are understood, what of them is usable, and how they are read."""
