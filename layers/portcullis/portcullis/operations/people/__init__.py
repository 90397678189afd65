"""Who is granted something, what they hold, and their passwords."""
