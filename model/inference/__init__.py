"""Prediction: from an image to instances with polygons and keypoints."""
