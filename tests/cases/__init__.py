"""Device cases: registers or payloads as a device sends them, and the readings that must come of it."""
