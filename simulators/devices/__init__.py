"""How the simulated devices behave: meters with their registers, doors with their readers, vehicles with their trackers."""
