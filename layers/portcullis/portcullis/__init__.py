"""Portcullis: a gate for search domains. Access follows the groups, and drops when the key is gone."""

__version__ = "0.1.0"
