"""The view of the photo: items that paint, tools that turn the mouse into edits."""
