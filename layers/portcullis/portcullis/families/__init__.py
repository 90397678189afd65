"""The families of engines, a folder each: what a security config of theirs means."""
