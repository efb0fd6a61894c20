"""What is kept of people: for how long, and of one person given out and deleted. See ``docs/PRIVACY.md``."""
