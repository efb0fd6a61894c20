"""What an installer asks before the gateway runs: who is on this line (scan), what these registers are (orders), what
the devices say now (read, watch). The commands themselves are `edge/cli_*.py`; nothing here writes to a device."""
