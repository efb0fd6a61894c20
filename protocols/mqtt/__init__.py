"""What MQTT devices say: profiles of their dialects, and the decoder from one message to readings and events."""
