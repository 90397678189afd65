"""`portcullis remote …`."""
