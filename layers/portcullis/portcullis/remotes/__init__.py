"""Keys between clusters: what is offered against what the engine shows. Pure."""
