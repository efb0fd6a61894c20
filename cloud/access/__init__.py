"""Who may open which door: holders, credentials, rules, and the lists of them that gateways decide by."""
