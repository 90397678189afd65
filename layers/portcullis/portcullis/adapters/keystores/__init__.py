"""Where the nodes of a cluster keep what no setting may hold."""
