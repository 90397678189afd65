"""Random questions about access, and what the plugin and we say to them."""
