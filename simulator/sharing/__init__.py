"""Shared machines: several jobs on one platform and clock, and traffic of others on the same fabric."""
