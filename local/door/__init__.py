"""Amazon's front door, for the embedded default: two doors in front of a real OpenSearch node.

The API door verifies the SigV4 signature of a caller known to the emulated AWS; the Dashboards door (every path below
`/_dashboards/`) takes a Cognito id token. Both apply the domain's ingress and access policy as they stand at that moment, then hand
the caller over to the node under the name Amazon's fine-grained access control would use. Where the domain has an internal user
database, whoever signs nothing is judged as anonymous, and the node is left to ask for user name and password. The door runs as a
thread of the emulated AWS, because it reads its credential store, and no request is let in by what it read a moment ago.
"""
