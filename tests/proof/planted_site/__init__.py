"""A folder for the path of child processes: Python finds its sitecustomize there; see tests/proof/planting.py."""
