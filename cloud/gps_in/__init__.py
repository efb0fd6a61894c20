"""Positions that phones send over HTTP, on the same path as those of gateways."""
