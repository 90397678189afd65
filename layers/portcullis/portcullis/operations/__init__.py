"""The verbs, each written once. Functions, the command and the runbooks call these and nothing deeper.

Nothing is imported here: a function pays at its start for the verb it calls, and for no other.
"""
