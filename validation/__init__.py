"""Comparisons of what the simulator predicts with what was measured."""
