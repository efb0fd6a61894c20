"""Energy as tables for offices: exports, and reports that are written by themselves."""
