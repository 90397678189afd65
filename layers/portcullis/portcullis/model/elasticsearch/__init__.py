"""The deployment file of an Elasticsearch cluster that runs elsewhere: its keys, its levels, what is wrong and what is seldom meant."""
