"""How long a piece of arithmetic takes on a device."""
