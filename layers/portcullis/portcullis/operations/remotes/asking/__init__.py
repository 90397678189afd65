"""Questions about remote clusters: what is read, by which key, and how safe that is. Changes nothing."""
