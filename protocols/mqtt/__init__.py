"""What MQTT devices say: profiles of their dialects, and the decoder that turns one message into readings and events."""
