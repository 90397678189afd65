"""The verbs that ask who may see what, and how their answers are shown."""
