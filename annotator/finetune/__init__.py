"""Fine-tuning from the window: the training process, what it is given and what becomes of its model."""
