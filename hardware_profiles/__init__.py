"""Data only: devices, links, systems and fitted kernel parameters, as TOML with a source for every number."""
