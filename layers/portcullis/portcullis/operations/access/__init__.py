"""Access put on, taken over, changed and rolled back."""
