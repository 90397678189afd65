"""The key is gone, or back: look, lock, open again, delete."""
