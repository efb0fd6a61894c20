"""Words and wire formats that gateway, collector and simulators share. Pure: opens nothing, starts nothing."""
