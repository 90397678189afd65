"""How a change of access is written: alone, written down before, seen after, and undone."""
