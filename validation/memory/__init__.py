"""Memory predicted beside memory measured: what PyTorch's autograd keeps, and the largest batches of published runs."""
