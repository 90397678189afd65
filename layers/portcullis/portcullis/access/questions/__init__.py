"""Questions about people and their answers, as data. Pure."""
