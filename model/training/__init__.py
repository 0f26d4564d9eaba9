"""The training loop, its schedule and its control from outside."""
