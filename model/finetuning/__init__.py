"""Fine-tuning on the corrected annotations of a project."""
