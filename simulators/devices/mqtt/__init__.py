"""Devices that publish: each family with its own behaviour, its own words, and its own reckoning of what they mean."""
