"""What is true now: current values and entities with their age, and the stream that keeps pages up to date."""
