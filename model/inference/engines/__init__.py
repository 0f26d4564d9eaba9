"""What computes networks, and which of it does."""
