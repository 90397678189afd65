"""What is watched besides keys and groups: what we see by, and the roads to whoever is mapped. Pure: what was found, and what it means."""
