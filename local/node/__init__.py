"""A real OpenSearch node with its Security plugin, out of packages alone: no container, no system Java."""
