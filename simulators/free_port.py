"""Ports on the loopback address that are free now."""

from __future__ import annotations

import socket


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """True when a server could listen on ``port`` now (a connection in TIME_WAIT does not count)."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def free_port(wanted: int = 0, *, tries: int = 50, host: str = "127.0.0.1") -> int:
    """``wanted`` or the next free one after it; with 0, any free one."""
    if wanted:
        for port in range(wanted, min(wanted + tries, 65536)):
            if is_free(port, host):
                return port
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
