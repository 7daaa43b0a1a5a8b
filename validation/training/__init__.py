"""Training for real: the same algorithms over MPI, by real processes that compute real gradients."""
