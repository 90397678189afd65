"""Searches over clusters: what we say of them beside what a real pair of servers answers."""
