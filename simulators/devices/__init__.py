"""How the simulated devices behave: meters with registers, doors with readers, vehicles with trackers."""
