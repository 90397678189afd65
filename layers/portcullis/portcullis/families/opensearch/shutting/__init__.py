"""A lock's part in the config: who keeps what while it is shut, and what Portcullis itself needs."""
