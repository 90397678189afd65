"""Whether a request is let through, of which parts, and what is unknown about it."""
