"""Alembic's scripts: how a registry file of an older version becomes one of this version."""
