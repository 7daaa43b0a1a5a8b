"""Plans against truth: the system size that a plan says reaches a throughput, and the one that was measured to."""
