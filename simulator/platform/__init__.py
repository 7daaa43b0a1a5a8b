"""The simulated machine: devices, switches and directed links, and the routes over them."""
