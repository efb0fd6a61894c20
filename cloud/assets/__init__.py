"""Assets: vehicles, rooms, guards, doors and what else people dispatch, and which devices tell about them."""
