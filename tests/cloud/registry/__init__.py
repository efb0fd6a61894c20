"""Tests of ``cloud/registry``."""
