"""Tests of ``cloud/alarms``."""
