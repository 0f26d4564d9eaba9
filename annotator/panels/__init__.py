"""The docks: photos, instances, classes, model."""
