"""Distributed training algorithms, one file a family, written against the rank's vocabulary only."""
