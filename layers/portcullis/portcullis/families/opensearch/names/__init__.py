"""What a name or a pattern means: expressions of Java, dates, attributes, indices with their aliases and streams."""
