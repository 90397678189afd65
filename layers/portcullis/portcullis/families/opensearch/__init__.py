"""OpenSearch and Open Distro: the security plugin's configuration, its dialects, its JSON Patch. Pure."""
