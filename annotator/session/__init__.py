"""The open folder: its current image, undo history and decoded images."""
