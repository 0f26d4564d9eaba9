"""COCO evaluation, comparison of two models and score calibration."""
