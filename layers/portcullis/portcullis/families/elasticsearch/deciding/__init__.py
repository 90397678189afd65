"""Whether a request is let through on this cluster, and on another one that it names."""
