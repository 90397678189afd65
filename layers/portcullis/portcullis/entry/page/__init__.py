"""The page of a deployment: one HTML file that holds all it shows, made and kept."""
