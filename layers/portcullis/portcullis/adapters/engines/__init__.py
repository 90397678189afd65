"""The engines over HTTP: an OpenSearch domain's security API, its documents, its snapshots."""
