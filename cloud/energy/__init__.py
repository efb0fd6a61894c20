"""Energy: from what a counter showed to a number that can be opened down to the readings that made it."""
