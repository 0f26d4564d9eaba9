"""Training data: images and labels, splits, augmentation, batches and caches."""
