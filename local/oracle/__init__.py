"""The Security plugin's own classes asked in one process, without a node: what `decide` is held against."""
