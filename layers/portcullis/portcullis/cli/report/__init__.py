"""The page: one HTML file that holds all it shows. Not shipped in the layer."""
