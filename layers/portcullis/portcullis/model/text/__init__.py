"""The text of a deployment file: read with the line of every key, changed with comments kept, started from a preset."""
