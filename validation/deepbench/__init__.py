"""Predicted against measured kernel and all-reduce times of the DeepBench collection."""
