"""Distances and areas on the ground. WGS-84 everywhere."""
