"""The wires the simulated devices are served on: Modbus over TCP and over pseudo-terminals, MQTT."""
