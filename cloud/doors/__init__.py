"""Doors and gates: open, held, forced, refused cards, and how long a person takes to get through."""
