"""Keys between clusters made, kept and replaced without a refused search."""
