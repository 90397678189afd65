"""The verbs for a person: one module a group of verbs, loaded when it is asked for."""
