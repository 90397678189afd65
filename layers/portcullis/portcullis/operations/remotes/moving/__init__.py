"""A remote cluster moved from certificates to a key, and back until the old road is given up."""
