"""Images and COCO annotations on disk. Needs neither Qt nor torch."""
