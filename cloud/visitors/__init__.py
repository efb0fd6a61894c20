"""Visitors: passes, arrival and departure."""
