"""Snapshots, and the proof that they can be restored."""
