"""One cluster that reads another: what connects them, and what the sweep sees to."""
