"""Tests of ``cloud/api``."""
