"""Keys between clusters as the files offer them: made, kept, replaced without a refused search."""
