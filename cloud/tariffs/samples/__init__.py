"""Tariffs to start from. Their times are those of the notices they name; their prices are examples, nobody's prices."""
