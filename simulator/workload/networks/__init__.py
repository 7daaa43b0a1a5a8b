"""The networks that can be asked for by name, one file a family; see `simulator.workload.catalogue`."""
