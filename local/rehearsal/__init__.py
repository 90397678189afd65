"""The incidents of the runbooks, brought about on a running embedded default: `make rehearse PAGE=drift`, and the tests of the pages."""
