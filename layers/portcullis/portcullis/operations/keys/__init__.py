"""A key checked, rotated, replaced."""
