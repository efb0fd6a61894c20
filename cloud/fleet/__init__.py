"""Vehicles: where they are, where they were, how far they went, and what somebody should look at."""
