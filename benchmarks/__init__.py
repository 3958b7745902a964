"""Benchmarks: one file a question, peers in the same run, ratios rather than absolute times."""
