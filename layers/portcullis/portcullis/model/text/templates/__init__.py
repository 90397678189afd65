"""What `portcullis init` writes: one commented deployment file a preset, and the account's file."""
