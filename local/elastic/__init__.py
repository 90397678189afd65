"""A real Elasticsearch, from the packages its makers publish: for tests and the embedded default only."""
