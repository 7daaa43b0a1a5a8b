"""Fabrics: one file a kind, each of which works out paths from the numbers of the adapters."""
