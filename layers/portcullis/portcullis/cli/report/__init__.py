"""The command that writes the page. Not shipped in the layer."""
