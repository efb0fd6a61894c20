"""What the collector knows besides readings: sites, gateways, devices, points, users, sessions, tokens, alarms."""
