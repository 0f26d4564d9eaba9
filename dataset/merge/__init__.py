"""Several COCO files become one: the same class, the same photo, and every object of each."""
