"""From a request as people send it to what has to be allowed for it."""
