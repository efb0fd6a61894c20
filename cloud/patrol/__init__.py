"""Guards and technicians: what they are doing, and rounds past checkpoints."""
