"""What `portcullis init` writes: one commented deployment file a preset."""
