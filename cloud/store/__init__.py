"""Where readings, events and batch identities rest: one contract, one embedded store, its roll-ups and retention."""
