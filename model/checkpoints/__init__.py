"""Trained weights on disk: reading, writing, converting and averaging them."""
