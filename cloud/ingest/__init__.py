"""From the broker to the store: subscribe, decode, check, commit in groups, ack, hand on."""
