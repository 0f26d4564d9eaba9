"""Inference in a worker thread, and what becomes of its answers."""
