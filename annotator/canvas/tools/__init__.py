"""What the mouse does: each tool in its own file, listed in `registry`."""
