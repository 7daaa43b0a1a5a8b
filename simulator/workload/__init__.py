"""What is trained: networks as layer graphs, data sets, memory needs."""
