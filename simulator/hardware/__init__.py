"""Hardware profiles: their schema, loading and validation."""
