"""The panel of what belongs to the photo and to the selected objects beside outlines."""
