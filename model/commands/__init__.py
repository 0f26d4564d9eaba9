"""Commands without a window, one module each."""
