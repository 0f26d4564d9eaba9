"""What the actions do: to the selection, to objects and classes, to skeletons; undo and redo."""
