"""Questions about people whose answer lies on another cluster."""
