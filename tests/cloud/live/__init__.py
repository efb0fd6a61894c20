"""Tests of ``cloud/live``."""
