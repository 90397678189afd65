"""What the operations ask of a family of engines."""

from __future__ import annotations

READ, WRITE = "index.blocks.read", "index.blocks.write"
BLOCKS = (READ, WRITE)
RESTORED = "portcullis-restored-"  # what an index is called that a check of restorability made
