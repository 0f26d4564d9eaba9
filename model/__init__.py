"""Mask R-CNN: configuration, networks, weights, prediction, training, evaluation. No Qt."""
