"""Elasticsearch with Elastic's own security: releases 6.8, 7.17, 8 and 9. Pure: no machine is asked.

Every rule here was seen on real servers of 6.8.23, 7.17.29, 8.19.21 and 9.5.3; the rows are in tests/families/elasticsearch.
"""
