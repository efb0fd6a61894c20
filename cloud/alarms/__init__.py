"""Abnormal conditions that need somebody: raised, returned to normal, kept, and told in words."""
