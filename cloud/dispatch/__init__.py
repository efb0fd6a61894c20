"""Dispatch: choosing which resource serves which request. Start at ``feature.py``, then ``desk.py``."""
