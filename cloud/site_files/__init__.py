"""Site files of gateways, wanted and confirmed."""
