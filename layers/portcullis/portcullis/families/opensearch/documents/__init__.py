"""What a security config consists of, how releases and dialects write it, and how one is changed: as JSON Patch."""
