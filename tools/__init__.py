"""What the shipped files were made with. Not installed."""
